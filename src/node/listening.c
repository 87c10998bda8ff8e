/*
 * Listening sockets with the processes that hold them, and the addresses of the node.
 */
#include "node/host.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include "base/ip.h"

enum { SOCKETS_MAX = 5000, FDS_MAX = 200000, STATE_LISTEN = 10, STATE_UNCONNECTED = 7 };

/* Where components listen in their default layout. */
static const struct {
        unsigned port;
        const char *protocol, *component;
} expected[] = {
        { 22, "tcp", "sshd" },
        { 179, "tcp", "calico" },
        { 2379, "tcp", "etcd" },
        { 2380, "tcp", "etcd" },
        { 2381, "tcp", "etcd" },
        { 4789, "udp", "vxlan" },
        { 8472, "udp", "flannel" },
        { 51820, "udp", "wireguard" },
        { 6443, "tcp", "kube-apiserver" },
        { 6444, "tcp", "k3s" },
        { 8443, "tcp", "kube-apiserver" },
        { 9345, "tcp", "rke2" },
        { 10248, "tcp", "kubelet" },
        { 10249, "tcp", "kube-proxy" },
        { 10250, "tcp", "kubelet" },
        { 10255, "tcp", "kubelet" },
        { 10256, "tcp", "kube-proxy" },
        { 10257, "tcp", "kube-controller-manager" },
        { 10259, "tcp", "kube-scheduler" },
        { 16443, "tcp", "kube-apiserver" },
        { 5473, "tcp", "calico" },
        { 4240, "tcp", "cilium" },
        { 4244, "tcp", "cilium" },
        { 68, "udp", "dhcp" },
        { 53, "tcp", "resolver" },
        { 53, "udp", "resolver" },
        { 123, "udp", "ntp" },
        { 323, "udp", "chrony" },
};

struct owner {
        uint64_t inode;
        const struct process_info *process;
};
struct owners {
        struct owner *items;
        size_t count, capacity;
        bool incomplete;
};

static bool hex(struct str text, size_t from, size_t digits, uint32_t *ret) {
        uint32_t value = 0;

        if (from + digits > text.len)
                return false;
        for (size_t i = from; i < from + digits; i++) {
                char c = text.ptr[i];
                int digit = c >= '0' && c <= '9'   ? c - '0'
                            : c >= 'A' && c <= 'F' ? c - 'A' + 10
                            : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                   : -1;

                if (digit < 0)
                        return false;
                value = value << 4 | (uint32_t)digit;
        }
        *ret = value;
        return true;
}

static struct str word(struct str *line) {
        struct str part = STR("");

        *line = str_trim(*line);
        while (part.len < line->len && line->ptr[part.len] != ' ' && line->ptr[part.len] != '\t')
                part.len++;
        part.ptr = line->ptr;
        *line = str_slice(*line, part.len, line->len);
        return part;
}

/* The kernel prints addresses as words in its own byte order. */
static bool address_of(struct str text, bool six, struct socket_line *ret) {
        unsigned char bytes[16] = { 0 };
        uint32_t words[4] = { 0 };
        size_t count = six ? 4 : 1;
        bool any = false;

        for (size_t i = 0; i < count; i++)
                if (!hex(text, i * 8, 8, &words[i]))
                        return false;
        if (text.len <= count * 8 || text.ptr[count * 8] != ':' ||
            !hex(text, count * 8 + 1, 4, &ret->port))
                return false;
        memcpy(bytes, words, count * 4);
        for (size_t i = 0; i < count * 4; i++)
                any = any || bytes[i];
        inet_ntop(six ? AF_INET6 : AF_INET, bytes, ret->address, sizeof ret->address);
        ret->wildcard = !any;
        ret->loopback =
                six ? IN6_IS_ADDR_LOOPBACK((struct in6_addr *)bytes) ||
                                (IN6_IS_ADDR_V4MAPPED((struct in6_addr *)bytes) && bytes[12] == 127)
                    : bytes[0] == 127;
        return true;
}

/* sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode */
bool socket_parse(struct str line, bool six, struct socket_line *ret) {
        struct str words[10];
        int64_t inode;

        *ret = (struct socket_line){ 0 };
        for (size_t i = 0; i < ELEMENTS(words); i++)
                words[i] = word(&line);
        if (!address_of(words[1], six, ret) || !hex(words[3], 0, words[3].len, &ret->state) ||
            words[3].len != 2 || !node_int(words[7], &ret->uid) || !node_int(words[9], &inode) ||
            inode < 0)
                return false;
        ret->inode = (uint64_t)inode;
        return true;
}

/* "socket:[12345]" */
static bool socket_inode(struct str link, uint64_t *ret) {
        int64_t inode;

        if (!str_starts(link, STR("socket:[")) || !str_ends(link, STR("]")) ||
            !node_int(str_slice(link, strlen("socket:["), link.len - 1), &inode) || inode < 0)
                return false;
        *ret = (uint64_t)inode;
        return true;
}

static void read_owner(struct node *node, const struct process_info *process,
                       struct owners *owners) {
        struct str path = arena_printf(node->arena, "/proc/%u/fd", process->pid);
        int fd = root_open_path(&node->root, path), list;
        const struct dirent *entry;
        char text[128];
        DIR *dir;

        if (fd < 0)
                return;
        list = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        dir = list < 0 ? NULL : fdopendir(list);
        if (!dir) {
                owners->incomplete = owners->incomplete || list >= 0 || errno == EACCES;
                if (list >= 0)
                        close(list);
                return;
        }
        while ((entry = readdir(dir)) && owners->count < FDS_MAX) {
                ssize_t n = readlinkat(dirfd(dir), entry->d_name, text, sizeof text);
                uint64_t inode;

                if (n > 0 && socket_inode((struct str){ text, (size_t)n }, &inode))
                        *vec_push(owners) = (struct owner){ inode, process };
        }
        closedir(dir);
}

static const struct process_info *owner_of(const struct owners *owners, uint64_t inode) {
        for (size_t i = 0; i < owners->count; i++)
                if (owners->items[i].inode == inode)
                        return owners->items[i].process;
        return NULL;
}

static const char *expected_at(unsigned port, const char *protocol, const char *process) {
        for (size_t i = 0; i < ELEMENTS(expected); i++)
                if (expected[i].port == port && strcmp(expected[i].protocol, protocol) == 0)
                        return expected[i].component;
        if (process && (strcmp(process, "kubelet") == 0 || strcmp(process, "containerd") == 0))
                return process; /* the server of streams */
        return "";
}

static void add_socket(struct node *node, const struct socket_line *socket, const char *protocol,
                       bool six, struct place place, const struct owners *owners,
                       struct fact *list) {
        struct arena *arena = node->arena;
        const struct process_info *process = owner_of(owners, socket->inode);
        struct fact *fact = fact_add(arena, list, fact_map(arena));
        struct str name = process ? process->name : STR("");

        fact_set_string(arena, fact, "protocol", str_from(protocol));
        fact_set_string(arena, fact, "address", arena_str(arena, str_from(socket->address)));
        fact_set_int(arena, fact, "port", socket->port);
        fact_set_int(arena, fact, "family", six ? 6 : 4);
        fact_set_bool(arena, fact, "loopback", socket->loopback);
        fact_set_bool(arena, fact, "wildcard", socket->wildcard);
        fact_set_string(arena, fact, "process", name);
        fact_set_int(arena, fact, "pid", process ? process->pid : 0);
        fact_set_string(arena, fact, "user", users_name(&node->users, socket->uid));
        fact_set_int(arena, fact, "uid", socket->uid);
        fact_set_bool(arena, fact, "container", process && process->is_pod);
        fact_set_string(arena, fact, "expected",
                        str_from(expected_at(socket->port, protocol,
                                             name.len ? arena_str(arena, name).ptr : NULL)));
        fact_set(arena, fact, STR("place"), fact_place(arena, place));
}

static bool is_new(const struct fact *list, const struct socket_line *socket,
                   const char *protocol) {
        for (const struct fact_member *m = list->first; m; m = m->next)
                if (fact_value_int(fact_get(m->value, "port"), 0) == socket->port &&
                    str_eq(fact_value_text(fact_get(m->value, "address")),
                           str_from(socket->address)) &&
                    str_eq(fact_value_text(fact_get(m->value, "protocol")), str_from(protocol)))
                        return false;
        return true;
}

static int read_table(struct node *node, struct str folder, const char *name,
                      const struct owners *owners, struct fact *list) {
        struct str path = arena_printf(node->arena, "%.*s/%s", STR_ARG(folder), name), text, line;
        bool six = str_ends(str_from(name), STR("6")), udp = name[0] == 'u';
        uint32_t number = 0;
        int r = node_read(node, &node->root, path, "sockets", "host.listening", &text);

        if (r < 0)
                return r;
        while (str_split(&text, '\n', &line) && list->count < SOCKETS_MAX) {
                struct socket_line socket;

                number++;
                if (!socket_parse(line, six, &socket) ||
                    socket.state != (udp ? STATE_UNCONNECTED : STATE_LISTEN) ||
                    !is_new(list, &socket, udp ? "udp" : "tcp"))
                        continue;
                add_socket(node, &socket, udp ? "udp" : "tcp", six,
                           (struct place){ path, number, 1 }, owners, list);
        }
        return 0;
}

static void add_listening(struct node *node, struct fact *host) {
        static const char *const tables[] = { "tcp", "tcp6", "udp", "udp6" };
        struct owners owners = { 0 };
        struct fact *list = fact_list(node->arena);
        struct str folder = STR("/proc/1/net");
        int r = -ENOENT;

        if (!root_exists(&node->root, STR("/proc/1/net/tcp")))
                folder = STR("/proc/net");
        if (root_exists(&node->root, node_join(node, folder, STR("tcp"))))
                for (size_t i = 0; i < node->processes.count; i++)
                        read_owner(node, &node->processes.items[i], &owners);
        for (size_t i = 0; i < ELEMENTS(tables); i++) {
                int one = read_table(node, folder, tables[i], &owners, list);

                r = one >= 0 ? 0 : r;
        }
        free(owners.items);
        if (r >= 0)
                fact_set(node->arena, host, STR("listening"), list);
        else if (node->has_proc)
                node_gap(node, "sockets", folder, node_error_text(node, r), "host.listening");
        if (owners.incomplete)
                node_gap(node, "processes behind sockets", STR("/proc/PID/fd"),
                         STR("Permission denied"), "");
}

/* Addresses that the Internet routes to. */
static bool is_public(const struct ip *ip, struct str text) {
        static const char *const ranges[] = { "10.", "192.168.", "100.64.", "169.254.", "127.",
                                              "fc",  "fd",       "fe8",     "0." };

        if (!ip_is_global_unicast(ip))
                return false;
        for (size_t i = 0; i < ELEMENTS(ranges); i++)
                if (str_starts(text, str_from(ranges[i])))
                        return false;
        if (str_starts(text, STR("172."))) {
                int64_t second;
                struct str rest = str_slice(text, 4, text.len), part = STR("");

                str_split(&rest, '.', &part);
                if (node_int(part, &second) && second >= 16 && second <= 31)
                        return false;
        }
        if (str_starts(text, STR("100."))) {
                int64_t second;
                struct str rest = str_slice(text, 4, text.len), part = STR("");

                str_split(&rest, '.', &part);
                if (node_int(part, &second) && second >= 64 && second <= 127)
                        return false;
        }
        return true;
}

static int prefix_of(const struct sockaddr *mask) {
        const unsigned char *bytes;
        size_t count;
        int bits = 0;

        if (!mask)
                return 0;
        if (mask->sa_family == AF_INET) {
                bytes = (const unsigned char *)&((const struct sockaddr_in *)mask)->sin_addr;
                count = 4;
        } else {
                bytes = (const unsigned char *)&((const struct sockaddr_in6 *)mask)->sin6_addr;
                count = 16;
        }
        for (size_t i = 0; i < count; i++)
                bits += __builtin_popcount(bytes[i]);
        return bits;
}

static void add_address(struct node *node, const struct ifaddrs *one, struct fact *list) {
        struct arena *arena = node->arena;
        char text[INET6_ADDRSTRLEN] = "";
        struct fact *fact;
        struct str zone;
        struct ip ip;
        int family = one->ifa_addr->sa_family;

        if (family == AF_INET)
                inet_ntop(family, &((struct sockaddr_in *)(void *)one->ifa_addr)->sin_addr, text,
                          sizeof text);
        else
                inet_ntop(family, &((struct sockaddr_in6 *)(void *)one->ifa_addr)->sin6_addr, text,
                          sizeof text);
        if (ip_parse(str_from(text), &ip, &zone, NULL) < 0)
                return;
        fact = fact_add(arena, list, fact_map(arena));
        fact_set_string(arena, fact, "interface", arena_str(arena, str_from(one->ifa_name)));
        fact_set_string(arena, fact, "address", arena_str(arena, str_from(text)));
        fact_set_int(arena, fact, "prefix", prefix_of(one->ifa_netmask));
        fact_set_bool(arena, fact, "public", is_public(&ip, str_from(text)));
        fact_set(arena, fact, STR("place"),
                 fact_place(arena, (struct place){ STR("/proc/net"), 1, 1 }));
}

/* netlink knows the addresses of this machine; of others, /proc/net/fib_trie does. */
static void add_live(struct node *node, struct fact *list) {
        struct ifaddrs *all;

        if (getifaddrs(&all) < 0) {
                node_gap(node, "addresses", STR("netlink"), node_error_text(node, -errno),
                         "host.addresses");
                return;
        }
        for (const struct ifaddrs *one = all; one; one = one->ifa_next)
                if (one->ifa_addr && list->count < 1000 &&
                    (one->ifa_addr->sa_family == AF_INET || one->ifa_addr->sa_family == AF_INET6))
                        add_address(node, one, list);
        freeifaddrs(all);
}

/* "|-- 10.0.0.5" above "/32 host LOCAL" */
static void add_trie(struct node *node, struct fact *list, struct str path, struct str text) {
        struct str line, last = STR("");
        uint32_t number = 0;
        struct str zone;
        struct ip ip;

        while (str_split(&text, '\n', &line) && list->count < 1000) {
                ptrdiff_t at = str_find(line, STR("|-- "), 0);
                bool known = false;

                number++;
                if (at >= 0)
                        last = str_trim(str_slice(line, (size_t)at + 4, line.len));
                if (str_find(line, STR("/32 host LOCAL"), 0) < 0 ||
                    ip_parse(last, &ip, &zone, NULL) < 0)
                        continue;
                for (const struct fact_member *m = list->first; m; m = m->next)
                        known = known ||
                                str_eq(fact_value_text(fact_get(m->value, "address")), last);
                if (!known) {
                        struct fact *fact = fact_add(node->arena, list, fact_map(node->arena));

                        fact_set_string(node->arena, fact, "interface", STR(""));
                        fact_set_string(node->arena, fact, "address", last);
                        fact_set_int(node->arena, fact, "prefix", 32);
                        fact_set_bool(node->arena, fact, "public", is_public(&ip, last));
                        fact_set(node->arena, fact, STR("place"),
                                 fact_place(node->arena, (struct place){ path, number, 1 }));
                }
        }
}

void listening_collect(struct node *node, struct fact *host) {
        struct str path = STR("/proc/1/net/fib_trie"), text;
        struct fact *list = fact_list(node->arena);

        add_listening(node, host);
        if (node->root.live) {
                add_live(node, list);
        } else {
                if (!root_exists(&node->root, path))
                        path = STR("/proc/net/fib_trie");
                if (node_read(node, &node->root, path, "addresses", "host.addresses", &text) < 0)
                        return;
                add_trie(node, list, path, text);
        }
        fact_set(node->arena, host, STR("addresses"), list);
}
