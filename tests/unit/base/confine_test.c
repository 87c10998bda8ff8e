/* Each case confines a child process and looks at how one action ends there. */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/confine.h"
#include "base/util.h"

static char folder[64];   /* may be read */
static char inside[96];   /* a file in it, "inside" */
static char link_out[96]; /* a symbolic link in it to /etc/passwd */
static int output = -1;   /* a file opened for writing before confinement */

/* What a child ends with when an action did what it must not, or what it must not have done. */
enum { CHILD_OK = 0, CHILD_CONFINE_FAILED = 121 };

typedef int action_fn(void);

/* Runs ACTION in a confined child. Returns its result: 0 or an errno; or minus the signal that
 * ended it. */
static int confined(action_fn *action) {
        const char *paths[] = { folder, "/no/such/place" };
        const struct confine_rules rules = { paths, ELEMENTS(paths) };
        pid_t child = fork();
        int status;

        assert_true(child >= 0);
        if (child == 0) {
                struct confine_result result;

                if (confine(&rules, &result, NULL) < 0 || !result.no_new_privs)
                        _exit(CHILD_CONFINE_FAILED);
                _exit(action());
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int status_of(long result) {
        return result < 0 ? errno : CHILD_OK;
}

static int read_file(const char *path) {
        char text[16];
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return errno;
        return status_of(read(fd, text, sizeof text));
}

static int read_inside(void) {
        return read_file(inside);
}

static int list_folder(void) {
        char entries[4096];
        int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? errno : status_of(syscall(SYS_getdents64, fd, entries, sizeof entries));
}

static int write_output(void) {
        return write(output, "x", 1) == 1 ? CHILD_OK : errno;
}

static int allocate(void) {
        size_t size = (size_t)64 << 20;
        char *memory = malloc(size);

        if (!memory)
                return ENOMEM;
        for (size_t i = 0; i < size; i += 4096)
                memory[i] = 1;
        memory = realloc(memory, 2 * size);
        if (!memory || memory[4096] != 1)
                return ENOMEM;
        free(memory);
        return CHILD_OK;
}

static void *thread_main(void *argument) {
        struct timespec moment = { .tv_nsec = 1000000 };
        char *memory = malloc(1 << 20);

        memset(memory, 1, 1 << 20);
        free(memory);
        nanosleep(&moment, NULL);
        *(int *)argument = read_file(inside);
        return NULL;
}

static int run_threads(void) {
        pthread_t threads[8];
        int results[ELEMENTS(threads)];

        for (size_t i = 0; i < ELEMENTS(threads); i++) {
                int r = pthread_create(&threads[i], NULL, thread_main, &results[i]);

                if (r != 0)
                        return r;
        }
        for (size_t i = 0; i < ELEMENTS(threads); i++) {
                pthread_join(threads[i], NULL);
                if (results[i] != 0)
                        return results[i];
        }
        return CHILD_OK;
}

static int compare(const void *a, const void *b) {
        return memcmp(a, b, sizeof(int));
}

static int print_and_sort(void) {
        /* stdio, sorting of much data (asks how much memory there is) and the clock. */
        enum { COUNT = 300000 };
        FILE *out = fdopen(output, "w");
        int *numbers = malloc(COUNT * sizeof *numbers);
        struct timespec now;
        struct tm tm;

        if (!out || !numbers || clock_gettime(CLOCK_REALTIME, &now) < 0)
                return errno;
        for (int i = 0; i < COUNT; i++)
                numbers[i] = (int)((unsigned)i * 2654435761u >> 1);
        qsort(numbers, COUNT, sizeof *numbers, compare);
        free(numbers);
        if (!gmtime_r(&now.tv_sec, &tm) || fprintf(out, "%d %f\n", tm.tm_year, 1.5) < 0)
                return errno;
        return fclose(out) == 0 ? CHILD_OK : errno;
}

static int finish_normally(void) {
        exit(CHILD_OK); /* with all that runs at the end, of sanitizers too */
}

static void what_is_needed_works(void **state _unused_) {
        assert_int_equal(confined(read_inside), CHILD_OK);
        assert_int_equal(confined(list_folder), CHILD_OK);
        assert_int_equal(confined(write_output), CHILD_OK);
        assert_int_equal(confined(allocate), CHILD_OK);
        assert_int_equal(confined(run_threads), CHILD_OK);
        assert_int_equal(confined(print_and_sort), CHILD_OK);
        assert_int_equal(confined(finish_normally), CHILD_OK);
}

static int read_passwd(void) {
        return read_file("/etc/passwd");
}

static int read_through_link(void) {
        return read_file(link_out);
}

static int read_parent(void) {
        char path[128];

        snprintf(path, sizeof path, "%s/../../etc/passwd", folder);
        return read_file(path);
}

static int list_root(void) {
        int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return status_of(fd);
}

static void *read_passwd_in_thread(void *argument) {
        *(int *)argument = read_passwd();
        return NULL;
}

static int read_passwd_elsewhere(void) {
        pthread_t thread;
        int result, r = pthread_create(&thread, NULL, read_passwd_in_thread, &result);

        if (r != 0)
                return r;
        pthread_join(thread, NULL);
        return result;
}

static void other_files_are_closed(void **state _unused_) {
        if (confine_landlock_abi() == 0) {
                print_message("this kernel has no Landlock\n");
                skip();
        }
        assert_int_equal(confined(read_passwd), EACCES);
        assert_int_equal(confined(read_through_link), EACCES);
        assert_int_equal(confined(read_parent), EACCES);
        assert_int_equal(confined(list_root), EACCES);
        assert_int_equal(confined(read_passwd_elsewhere), EACCES);
}

static int open_to_write(void) {
        return status_of(open(inside, O_WRONLY | O_CLOEXEC));
}

static int open_to_both(void) {
        return status_of(open(inside, O_RDWR | O_CLOEXEC));
}

static int open_to_truncate(void) {
        return status_of(open(inside, O_RDONLY | O_TRUNC | O_CLOEXEC));
}

static int create(void) {
        char path[128];

        snprintf(path, sizeof path, "%s/new", folder);
        return status_of(open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int create_nameless(void) {
        return status_of(open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
}

static int unlink_inside(void) {
        return status_of(unlink(inside));
}

static int chmod_inside(void) {
        return status_of(chmod(inside, 0777));
}

static int rename_inside(void) {
        return status_of(rename(inside, link_out));
}

static int truncate_inside(void) {
        return status_of(truncate(inside, 0));
}

static int make_folder(void) {
        char path[128];

        snprintf(path, sizeof path, "%s/new", folder);
        return status_of(mkdir(path, 0700));
}

static int kill_parent(void) {
        return status_of(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

/* Without the filter the kernel would say that there is no such process. */
static int kill_nobody(void) {
        return status_of(syscall(SYS_tgkill, INT32_MAX, INT32_MAX, 0));
}

static int fork_child(void) {
        pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);

        if (child == 0)
                _exit(0);
        return status_of(child);
}

static int map_executable(void) {
        void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return memory == MAP_FAILED ? errno : CHILD_OK;
}

static int make_executable(void) {
        void *memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return status_of(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

static int type_into_terminal(void) {
        char key = 'x';

        return status_of(syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, &key));
}

static int listen_to_all(void) {
        return status_of(syscall(SYS_bpf, 0, NULL, 0));
}

static int uring(void) {
        return status_of(syscall(425 /* io_uring_setup */, 1, NULL));
}

static int open_by_struct(void) {
        uint64_t how[3] = { O_WRONLY, 0, 0 };

        return status_of(syscall(437 /* openat2 */, AT_FDCWD, inside, how, sizeof how));
}

/* Not in every sandbox: then there is nothing to test. */
static void need_seccomp(void) {
        const struct confine_rules none = { 0 };
        struct confine_result result = { 0 };
        pid_t child = fork();
        int status;

        assert_true(child >= 0);
        if (child == 0)
                _exit(confine(&none, &result, NULL) < 0 ? 2 : !result.seccomp);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        if (WEXITSTATUS(status) == 1) {
                print_message("this kernel has no seccomp filters\n");
                skip();
        }
}

static void changes_are_refused(void **state _unused_) {
        need_seccomp();
        assert_int_equal(confined(open_to_write), EPERM);
        assert_int_equal(confined(open_to_both), EPERM);
        assert_int_equal(confined(open_to_truncate), EPERM);
        assert_int_equal(confined(open_by_struct), EPERM);
        assert_int_equal(confined(create), EPERM);
        assert_int_equal(confined(create_nameless), EPERM);
        assert_int_equal(confined(unlink_inside), EPERM);
        assert_int_equal(confined(chmod_inside), EPERM);
        assert_int_equal(confined(rename_inside), EPERM);
        assert_int_equal(confined(truncate_inside), EPERM);
        assert_int_equal(confined(make_folder), EPERM);
        assert_int_equal(confined(fork_child), EPERM);
        assert_int_equal(confined(map_executable), EPERM);
        assert_int_equal(confined(make_executable), EPERM);
        assert_int_equal(confined(type_into_terminal), EPERM);
        assert_int_equal(confined(listen_to_all), EPERM);
        assert_int_equal(confined(uring), EPERM);
        assert_int_equal(confined(kill_parent), EPERM);
        assert_int_equal(confined(kill_nobody), EPERM);
        assert_int_equal(read_file(inside), CHILD_OK); /* still there */
}

static int start_program(void) {
        char *argv[] = { (char[]){ "true" }, NULL };

        return status_of(execv("/bin/true", argv));
}

static int start_program_at(void) {
        char *argv[] = { (char[]){ "true" }, NULL };

        return status_of(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, NULL, 0));
}

static int make_socket(void) {
        return status_of(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int make_unix_socket(void) {
        return status_of(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int be_traced(void) {
        return status_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int read_other_memory(void) {
        char byte;
        struct iovec local = { &byte, 1 }, remote = { &byte, 1 };

        return status_of(process_vm_readv(getppid(), &local, 1, &remote, 1, 0));
}

static void attacks_kill(void **state _unused_) {
        need_seccomp();
        assert_int_equal(confined(start_program), -SIGSYS);
        assert_int_equal(confined(start_program_at), -SIGSYS);
        assert_int_equal(confined(make_socket), -SIGSYS);
        assert_int_equal(confined(make_unix_socket), -SIGSYS);
        assert_int_equal(confined(be_traced), -SIGSYS);
        assert_int_equal(confined(read_other_memory), -SIGSYS);
}

static int confine_again(void) {
        struct confine_rules none = { 0 };
        int r = confine(&none, NULL, NULL);

        return r < 0 ? -r : CHILD_OK;
}

static int aborts(void) {
        abort();
}

static void ends_are_as_usual(void **state _unused_) {
        need_seccomp();
        /* abort() must still end in SIGABRT, or a failed assertion would look like anything else.
         */
        assert_int_equal(confined(aborts), -SIGABRT);
        /* Nothing may be loosened or layered afterwards. */
        assert_int_equal(confined(confine_again), EPERM);
}

static void describes_itself(void **state _unused_) {
        const struct confine_result result = { .no_new_privs = true,
                                               .landlock_abi = 3,
                                               .landlock = true,
                                               .refer = true,
                                               .truncate = true };
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        confine_describe(&text, &result);
        assert_str(
                buf_str(&text),
                "no_new_privs, Landlock ABI 3 (files, links, truncate), no seccomp in this kernel");
}

static int make_files(void **state _unused_) {
        int fd;

        snprintf(folder, sizeof folder, "/tmp/confine-test-XXXXXX");
        if (!mkdtemp(folder))
                return -1;
        snprintf(inside, sizeof inside, "%s/inside", folder);
        snprintf(link_out, sizeof link_out, "%s/link", folder);
        fd = open(inside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, "inside", 6) != 6 || close(fd) < 0)
                return -1;
        output = open("/dev/null", O_WRONLY | O_CLOEXEC);
        return output < 0 ? -1 : symlink("/etc/passwd", link_out);
}

static int remove_files(void **state _unused_) {
        close(output);
        unlink(link_out);
        unlink(inside);
        return rmdir(folder);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_needed_works), cmocka_unit_test(other_files_are_closed),
                cmocka_unit_test(changes_are_refused),  cmocka_unit_test(attacks_kill),
                cmocka_unit_test(ends_are_as_usual),    cmocka_unit_test(describes_itself),
        };

        return cmocka_run_group_tests_name("confine", tests, make_files, remove_files);
}
