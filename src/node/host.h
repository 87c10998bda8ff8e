/*
 * What the files about the host share. Private to src/node.
 */
#pragma once

#include "node/packages.h"

/* A setting whose value is the first line of file PATH; unknown where it cannot be read, NULL where
 * there is none. */
struct fact *host_line(struct node *node, const char *path, enum setting_type type,
                       const char *facts);

/* The files in FOLDER whose names end in SUFFIX ("": all), by name. */
struct root_names host_files(struct node *node, const char *folder, const char *suffix);

void kernel_collect(struct node *node, struct fact *host);
void mounts_collect(struct node *node, struct fact *host);
void sshd_collect(struct node *node, struct fact *host);
void listening_collect(struct node *node, struct fact *host);
void accounts_collect(struct node *node, struct fact *host);
void auditd_collect(struct node *node, struct fact *host);
void system_collect(struct node *node, struct fact *host);

/* updates.c: what the package lists of this machine know that is newer than what is installed, as
 * a setting. */
struct fact *pending_updates(struct node *node);
/* Versions in dpkg's order. */
int debian_compare(struct str a, struct str b);

/* sshd_config(5): the first value of a keyword counts; below Match it is conditional. */
struct sshd_line {
        struct str keyword, value; /* the keyword in lower case */
        struct str match;          /* the criteria around it; empty: none */
        struct place place;
};
struct sshd_config {
        struct sshd_line *items;
        size_t count, capacity;
};
/* Splits TEXT into lines of keyword and value; *MATCH is the criteria at its begin and end. */
void sshd_parse(struct arena *arena, struct str path, struct str text, struct str *match,
                struct sshd_config *ret);

/* A socket of /proc/net/tcp, tcp6, udp or udp6. */
struct socket_line {
        char address[64];
        unsigned port;
        unsigned state;
        int64_t uid;
        uint64_t inode;
        bool wildcard, loopback;
};
/* Reads a line of it; false where it is none. */
bool socket_parse(struct str line, bool six, struct socket_line *ret);
