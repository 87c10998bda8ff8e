/* redoubt version: what this binary is made of, and how the kernel lets it confine itself. */
#include <gnu/libc-version.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <yaml.h>
#include <zstd.h>

#include "base/confine.h"
#include "base/util.h"
#include "client/client.h"
#include "cmd/command.h"

/* RE2 has no call that tells its version: this is the one it was built against. */
#ifndef REDOUBT_RE2_VERSION
#define REDOUBT_RE2_VERSION "of unknown version"
#endif

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static void print_kernel(void) {
        struct utsname name;
        int abi = confine_landlock_abi();

        if (uname(&name) < 0)
                return;
        printf("kernel      %s %s, ", name.sysname, name.release);
        if (abi > 0)
                printf("Landlock ABI %d, ", abi);
        else
                printf("no Landlock, ");
        printf("%s\n", seccomp_api_get() > 0 ? "seccomp" : "no seccomp");
}

static int run(struct command_context *context _unused_, int argc _unused_, char **argv _unused_) {
        const struct scmp_version *seccomp = seccomp_version();

        printf("redoubt " REDOUBT_VERSION "\n");
        printf("compiler    " COMPILER "\n");
        printf("libc        glibc %s\n", gnu_get_libc_version());
        printf("libyaml     %s\n", yaml_get_version_string());
        printf("re2         " REDOUBT_RE2_VERSION "\n");
        if (seccomp)
                printf("libseccomp  %u.%u.%u\n", seccomp->major, seccomp->minor, seccomp->micro);
        printf("zstd        %s\n", ZSTD_versionString());
        printf("client      %s\n", client_libraries());
        print_kernel();
        return COMMAND_CLEAN;
}

const struct command command_version = {
        .name = "version",
        .summary = "show the version, and what it is built from",
        .description =
                "Shows the version of redoubt, of its compiler and libraries, and which means "
                "of confinement this kernel offers.",
        .run = run,
};
