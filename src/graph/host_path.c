/* Folders of a node that must not be seen or written, and what a mount of them gives. */
#include "base/util.h"
#include "graph/private.h"

/* A mount gives ATTACK if it holds PATH; WITHIN: also if it lies below. */
struct sink {
        const char *path;
        bool within, writes; /* writes: only a writable mount does */
        uint32_t gives;
};

static const struct sink sinks[] = {
        /* sockets of container runtimes */
        { "/run/containerd/containerd.sock", false, false, GRAPH_HOST_SOCKET },
        { "/run/docker.sock", false, false, GRAPH_HOST_SOCKET },
        { "/run/crio/crio.sock", false, false, GRAPH_HOST_SOCKET },
        { "/run/k3s/containerd/containerd.sock", false, false, GRAPH_HOST_SOCKET },
        { "/run/cri-dockerd.sock", false, false, GRAPH_HOST_SOCKET },
        { "/run/dockershim.sock", false, false, GRAPH_HOST_SOCKET },
        { "/run/podman/podman.sock", false, false, GRAPH_HOST_SOCKET },
        /* what the node runs */
        { "/bin", true, true, GRAPH_HOST_WRITE_NODE },
        { "/sbin", true, true, GRAPH_HOST_WRITE_NODE },
        { "/lib", true, true, GRAPH_HOST_WRITE_NODE },
        { "/lib64", true, true, GRAPH_HOST_WRITE_NODE },
        { "/usr/bin", true, true, GRAPH_HOST_WRITE_NODE },
        { "/usr/sbin", true, true, GRAPH_HOST_WRITE_NODE },
        { "/usr/lib", true, true, GRAPH_HOST_WRITE_NODE },
        { "/usr/local/bin", true, true, GRAPH_HOST_WRITE_NODE },
        { "/usr/local/sbin", true, true, GRAPH_HOST_WRITE_NODE },
        { "/usr/libexec/kubernetes", true, true, GRAPH_HOST_WRITE_NODE },
        { "/opt/cni/bin", true, true, GRAPH_HOST_WRITE_NODE },
        { "/etc/cni/net.d", true, true, GRAPH_HOST_WRITE_NODE },
        { "/etc/cron.d", true, true, GRAPH_HOST_WRITE_NODE },
        { "/etc/crontab", true, true, GRAPH_HOST_WRITE_NODE },
        { "/etc/init.d", true, true, GRAPH_HOST_WRITE_NODE },
        { "/etc/ld.so.preload", true, true, GRAPH_HOST_WRITE_NODE },
        { "/etc/passwd", true, true, GRAPH_HOST_WRITE_NODE },
        { "/etc/shadow", true, true, GRAPH_HOST_WRITE_NODE },
        { "/etc/sudoers", true, true, GRAPH_HOST_WRITE_NODE },
        { "/etc/ssh", true, true, GRAPH_HOST_WRITE_NODE },
        { "/etc/systemd", true, true, GRAPH_HOST_WRITE_NODE },
        { "/etc/containerd", true, true, GRAPH_HOST_WRITE_NODE },
        { "/var/spool/cron", true, true, GRAPH_HOST_WRITE_NODE },
        { "/root", true, true, GRAPH_HOST_WRITE_NODE },
        { "/home", true, true, GRAPH_HOST_WRITE_NODE },
        { "/boot", true, true, GRAPH_HOST_WRITE_NODE },
        { "/var/lib/docker", true, true, GRAPH_HOST_WRITE_NODE },
        { "/var/lib/containerd", true, true, GRAPH_HOST_WRITE_NODE },
        { "/var/lib/containers", true, true, GRAPH_HOST_WRITE_NODE },
        { "/var/lib/kubelet", false, true, GRAPH_HOST_WRITE_NODE },
        { "/var/lib/rancher", true, true, GRAPH_HOST_WRITE_NODE },
        { "/etc/kubernetes/manifests", true, true, GRAPH_HOST_STATIC },
        { "/var/lib/rancher/k3s/agent/pod-manifests", true, true, GRAPH_HOST_STATIC },
        { "/dev", false, true, GRAPH_HOST_DEVICES },
        { "/dev/mem", true, false, GRAPH_HOST_DEVICES },
        { "/var/log", true, true, GRAPH_HOST_LOGS },
        { "/proc/sys/kernel/core_pattern", false, true, GRAPH_HOST_PROC },
        { "/sys/kernel/uevent_helper", false, true, GRAPH_HOST_PROC },
        /* what only has to be read */
        { "/etc/shadow", true, false, GRAPH_HOST_KEYS },
        { "/etc/ssh", true, false, GRAPH_HOST_KEYS },
        { "/root", true, false, GRAPH_HOST_KEYS },
        { "/home", true, false, GRAPH_HOST_KEYS },
        { "/var/lib/kubelet/pki", true, false, GRAPH_HOST_KUBELET },
        { "/etc/kubernetes/kubelet.conf", true, false, GRAPH_HOST_KUBELET },
        { "/var/lib/rancher/k3s/agent", true, false, GRAPH_HOST_KUBELET },
        { "/var/lib/kubelet/pods", true, false, GRAPH_HOST_PODS },
        { "/var/lib/etcd", true, false, GRAPH_HOST_DATABASE },
        { "/var/lib/rancher/k3s/server", true, false,
          GRAPH_HOST_DATABASE | GRAPH_HOST_CERTIFICATES },
        { "/etc/kubernetes/admin.conf", true, false, GRAPH_HOST_CERTIFICATES },
        { "/etc/kubernetes/pki/ca.key", true, false, GRAPH_HOST_CERTIFICATES },
};

/* Block devices: disks by their usual names. */
static bool is_disk(struct str path) {
        static const char *const prefixes[] = { "/dev/sd",   "/dev/vd",     "/dev/xvd",
                                                "/dev/nvme", "/dev/dm-",    "/dev/mapper",
                                                "/dev/md",   "/dev/mmcblk", "/dev/disk",
                                                "/dev/loop" };

        for (size_t i = 0; i < ELEMENTS(prefixes); i++)
                if (str_starts(path, str_from(prefixes[i])))
                        return true;
        return false;
}

/* Whether INNER is OUTER or lies below it. */
static bool is_within(struct str inner, struct str outer) {
        if (outer.len == 0)
                return true;
        return str_starts(inner, outer) && (inner.len == outer.len || inner.ptr[outer.len] == '/');
}

uint32_t graph_host_path(struct str path, bool read_only) {
        uint32_t gives = 0;

        if (str_eq(path, STR("/")))
                path.len = 0;
        /* /var/run is a link to /run on every current system. */
        if (is_within(path, STR("/var/run")))
                path = str_slice(path, 4, path.len);
        if (is_disk(path))
                gives |= GRAPH_HOST_DEVICES;
        for (size_t i = 0; i < ELEMENTS(sinks); i++) {
                const struct sink *sink = &sinks[i];
                struct str what = str_from(sink->path);

                if (read_only && sink->writes)
                        continue;
                if (is_within(what, path) || (sink->within && is_within(path, what)))
                        gives |= sink->gives;
        }
        return gives;
}
