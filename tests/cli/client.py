#!/usr/bin/env python3
"""How the API server is reached: certificates, names, proxies, the credentials of a pod, plugins; and what only a client that may change
something can do. Every server is ours and on this machine."""
import base64
import contextlib
import datetime
import http.server
import socket
import ssl
import stat
import threading
from cluster import RULE, Server, item
from lib import *

PROBE = os.path.join(os.path.dirname(REDOUBT), "..", "..", "tests", "probe-apply")


def openssl(*arguments, cwd):
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True, timeout=60)


def certificates(folder):
    """Two authorities; a server "127.0.0.1", one "api.internal", a client "jane"."""
    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.crt", "-days", "2", "-subj", f"/CN={name}", cwd=folder)
    for name, subject, names in (("server", "/CN=server", "subjectAltName=IP:127.0.0.1"), ("named", "/CN=named", "subjectAltName=DNS:api.internal"), ("jane", "/O=team/CN=jane", "subjectAltName=DNS:jane")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject, cwd=folder)
        with open(os.path.join(folder, "ext"), "w") as file:
            file.write(names)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", f"{name}.crt", cwd=folder)


class Tls(Server):
    """The server of tests/cli/cluster.py behind TLS; `peers` are the subjects of those who came, `names` what they asked for."""

    def __init__(self, folder, certificate="server", need_certificate=False):
        super().__init__({"/api/v1/pods": {"items": [item("bad")]}})
        self.folder, self.peers, self.names, self.hosts, self.proxied = folder, [], [], [], []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(os.path.join(folder, f"{certificate}.crt"), os.path.join(folder, f"{certificate}.key"))
        self.context.sni_callback = lambda sock, name, context: self.names.append(name)
        if need_certificate:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(os.path.join(folder, "ca.crt"))

    @contextlib.contextmanager
    def listening(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.hosts.append(self.headers.get("Host"))
                peer = self.connection.getpeercert() if outer.context.verify_mode else None
                outer.peers.append(dict(pair for part in peer["subject"] for pair in part).get("commonName") if peer else None)
                status, headers, body = outer.answer(self)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

            def finish_request(self, request, address):
                wrapped = outer.context.wrap_socket(request, server_side=True)
                Handler(wrapped, address, self)
                wrapped.close()

        server = Quiet(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class Proxy:
    """An HTTP proxy: CONNECT, and GET with a whole URL."""

    def __init__(self, password=None):
        self.password, self.asked = password, []

    def serve(self, client):
        with client, client.makefile("rb") as lines:
            request = lines.readline().decode().split()
            headers = {}
            while (line := lines.readline().strip()):
                name, _, value = line.decode().partition(": ")
                headers[name.lower()] = value
            self.asked.append(request[:2])
            if self.password and headers.get("proxy-authorization") != "Basic " + base64.b64encode(self.password.encode()).decode():
                client.sendall(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
                return
            host, _, port = request[1].partition(":")
            with socket.create_connection((host, int(port)), 10) as server:
                client.sendall(b"HTTP/1.1 200 Yes\r\n\r\n")
                back = threading.Thread(target=self.copy, args=(server, client), daemon=True)
                back.start()
                self.copy(client, server)
                back.join()

    @staticmethod
    def copy(one, other):
        with contextlib.suppress(OSError):
            while part := one.recv(1 << 16):
                other.sendall(part)
            other.shutdown(socket.SHUT_WR)

    @contextlib.contextmanager
    def running(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def accept():
                with contextlib.suppress(OSError):
                    while True:
                        threading.Thread(target=self.serve, args=(listener.accept()[0],), daemon=True).start()
            threading.Thread(target=accept, daemon=True).start()
            yield listener.getsockname()[1]


def scan_with(folder, cluster, user=None, **environment):
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
              "clusters": [{"name": "k", "cluster": cluster}], "users": [{"name": "u", "user": user or {}}]}
    with open(os.path.join(folder, "config"), "w") as file:
        json.dump(config, file)
    with open(os.path.join(folder, "rule.yaml"), "w") as file:
        file.write(RULE)
    return run("scan", "--cluster", "-o", "json", "--no-catalogue", "--rules", "rule.yaml", cwd=folder, env={"KUBECONFIG": "config", **environment})


def works(result):
    return result.status == 1 and [f["resource"]["name"] for f in result.json["findings"]] == ["bad"]


def data(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        return base64.b64encode(file.read()).decode()


def test_certificates_of_servers_and_clients():
    with Folder() as folder:
        certificates(folder)
        with Tls(folder).listening() as port:
            url = f"https://127.0.0.1:{port}"
            assert works(scan_with(folder, {"server": url, "certificate-authority": "ca.crt"}))
            assert works(scan_with(folder, {"server": url, "certificate-authority-data": data(folder, "ca.crt")}))
            assert works(scan_with(folder, {"server": url, "insecure-skip-tls-verify": True}))
            for cluster in ({"certificate-authority": "other.crt"}, {}, {"certificate-authority": "ca.crt", "insecure-skip-tls-verify": True}, {"certificate-authority": "ca.key"}):
                r = scan_with(folder, {"server": url, **cluster})
                assert r.status == 2 and "PRIVATE" not in r.err, (cluster, r)
        server = Tls(folder, need_certificate=True)
        with server.listening() as port:
            cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": "ca.crt"}
            assert scan_with(folder, cluster).status == 2
            assert works(scan_with(folder, cluster, {"client-certificate": "jane.crt", "client-key": "jane.key"})) and set(server.peers) == {"jane"}, server.peers
            assert works(scan_with(folder, cluster, {"client-certificate-data": data(folder, "jane.crt"), "client-key-data": data(folder, "jane.key")}))
            # A key of another certificate, and one that is none.
            for key in ("ca.key", "ca.crt"):
                r = scan_with(folder, cluster, {"client-certificate": "jane.crt", "client-key": key})
                assert r.status == 2 and "BEGIN" not in r.err, r


def test_names_of_servers():
    with Folder() as folder:
        certificates(folder)
        server = Tls(folder, certificate="named")
        with server.listening() as port:
            cluster = {"server": f"https://127.0.0.1:{port}/", "certificate-authority": "ca.crt"}
            assert scan_with(folder, cluster).status == 2
            assert works(scan_with(folder, {**cluster, "tls-server-name": "api.internal"}))
            assert server.names[-1] == "api.internal" and server.hosts[-1] == f"127.0.0.1:{port}", (server.names, server.hosts)
            assert scan_with(folder, {**cluster, "tls-server-name": "api.external"}).status == 2
            proxy = Proxy()
            with proxy.running() as through:
                assert works(scan_with(folder, {**cluster, "tls-server-name": "api.internal", "proxy-url": f"http://127.0.0.1:{through}"}))
            assert proxy.asked and all(asked == ["CONNECT", f"127.0.0.1:{port}"] for asked in proxy.asked), proxy.asked


def test_proxies():
    with Folder() as folder:
        certificates(folder)
        proxy, closed = Proxy(), Proxy("jane:hunter2")
        with Tls(folder).listening() as port, proxy.running() as through, closed.running() as guarded:
            cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": "ca.crt"}
            assert works(scan_with(folder, {**cluster, "proxy-url": f"http://127.0.0.1:{through}"})) and proxy.asked[0] == ["CONNECT", f"127.0.0.1:{port}"], proxy.asked
            proxy.asked.clear()
            # Without proxy-url, what the environment says; proxy-url wins.
            assert works(scan_with(folder, cluster, HTTPS_PROXY=f"http://127.0.0.1:{through}")) and proxy.asked
            assert works(scan_with(folder, {**cluster, "proxy-url": f"http://127.0.0.1:{through}"}, HTTPS_PROXY="http://127.0.0.1:1"))
            assert works(scan_with(folder, cluster, HTTPS_PROXY="http://127.0.0.1:1", NO_PROXY="127.0.0.1"))
            assert works(scan_with(folder, {**cluster, "proxy-url": f"http://jane:hunter2@127.0.0.1:{guarded}"}))
            for url in (f"http://jane:hunter3@127.0.0.1:{guarded}", "http://127.0.0.1:1", "nonsense://127.0.0.1"):
                r = scan_with(folder, {**cluster, "proxy-url": url})
                assert r.status == 2 and "hunter" not in r.err, (url, r)


def test_credentials_of_a_pod():
    with Folder() as folder:
        certificates(folder)
        server = Tls(folder)
        server.token = lambda: "hunter2"
        with server.listening() as port:
            with open(os.path.join(folder, "rule.yaml"), "w") as file:
                file.write(RULE)
            script = (f"set -e; mount -t tmpfs none /var/run; d=/var/run/secrets/kubernetes.io/serviceaccount; mkdir -p $d; cp ca.crt $d/; echo hunter2 >$d/token; echo shop >$d/namespace; "
                      f"exec {REDOUBT} scan --cluster -o json --no-catalogue --rules rule.yaml")
            environment = {**{k: v for k, v in os.environ.items() if k != "KUBECONFIG"}, "HOME": folder, "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(port)}
            if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0:
                raise Skip("no mount namespaces here")
            r = Result(subprocess.run(["unshare", "-m", "sh", "-c", script], cwd=folder, env=environment, capture_output=True, timeout=60, check=False))
            assert works(r), r
        assert server.asked[0][2] == "Bearer hunter2", server.asked[0]


def plugin(folder, version, seconds):
    """A plugin that counts its calls and gives tokens which last so long."""
    end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    script = os.path.join(folder, "plugin")
    with open(script, "w") as file:
        file.write(f"#!/bin/sh\necho x >>{folder}/calls\necho \"$KUBERNETES_EXEC_INFO\" >{folder}/info\n"
                   f"echo '{{\"apiVersion\":\"client.authentication.k8s.io/{version}\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"t\",\"expirationTimestamp\":\"{end}\"}}}}'\n")
    os.chmod(script, os.stat(script).st_mode | stat.S_IXUSR)
    with contextlib.suppress(FileNotFoundError):
        os.remove(os.path.join(folder, "calls"))
    return {"exec": {"apiVersion": f"client.authentication.k8s.io/{version}", "command": script}}


def calls(folder):
    with open(os.path.join(folder, "calls")) as file:
        return len(file.readlines())


def test_plugins_are_asked_when_their_credentials_have_ended():
    with Folder() as folder:
        certificates(folder)
        server = Tls(folder)
        server.token = lambda: "t"
        with server.listening() as port:
            cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": "ca.crt"}
            for version in ("v1", "v1beta1"):
                assert works(scan_with(folder, cluster, plugin(folder, version, 3600))) and calls(folder) == 1, version
                with open(os.path.join(folder, "info")) as file:
                    info = json.load(file)
                assert info["apiVersion"].endswith("/" + version) and info["kind"] == "ExecCredential", info
                server.asked.clear()
                assert works(scan_with(folder, cluster, plugin(folder, version, -10))) and calls(folder) == len(server.asked) > 3, (version, calls(folder))
        # A plugin may give a certificate as well.
        server = Tls(folder, need_certificate=True)
        with server.listening() as port:
            user = plugin(folder, "v1", 60)
            with open(os.path.join(folder, "credential"), "w") as file:
                json.dump({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {
                    "clientCertificateData": open(os.path.join(folder, "jane.crt")).read(), "clientKeyData": open(os.path.join(folder, "jane.key")).read()}}, file)
            with open(os.path.join(folder, "plugin"), "w") as file:
                file.write(f"#!/bin/sh\ncat {folder}/credential\n")
            assert works(scan_with(folder, {"server": f"https://127.0.0.1:{port}", "certificate-authority": "ca.crt"}, user)) and set(server.peers) == {"jane"}


def test_token_files_are_read_again():
    with Folder() as folder:
        certificates(folder)
        server = Tls(folder)
        path = os.path.join(folder, "token")

        def token():
            """After a few requests only the next one is taken, which the file has from then on."""
            if len(server.asked) < 3:
                return "first"
            with open(path, "w") as file:
                file.write("second\n")
            return "second"
        server.token = token
        with open(path, "w") as file:
            file.write("first\n")
        with server.listening() as port:
            assert works(scan_with(folder, {"server": f"https://127.0.0.1:{port}", "certificate-authority": "ca.crt"}, {"tokenFile": "token"}))
        assert {asked[2] for asked in server.asked} == {"Bearer first", "Bearer second"}, server.asked


def test_only_who_may_change_something_does():
    if not os.access(PROBE, os.X_OK):
        raise Skip("the probe is not built")
    server = Server({})
    with server.running() as folder:
        def probe(*arguments):
            r = subprocess.run([PROBE, *arguments], cwd=folder, env={**os.environ, "KUBECONFIG": "config"}, capture_output=True, text=True, timeout=60, check=False)
            return r.returncode, r.stdout
        path, body = "/api/v1/namespaces/shop/configmaps/c", '{"apiVersion":"v1","kind":"ConfigMap"}'
        server.answers[path] = {"kind": "ConfigMap"}
        for arguments in (("read", path, body), ("read", path, body, "dry"), ("read", path, body, "force"), ("dry-run", path, body), ("dry-run", path, body, "force")):
            status, text = probe(*arguments)
            assert status == 1 and "may only read" in text and not server.asked, (arguments, text, server.asked)
        assert probe("dry-run", path, body, "dry") == (0, '200 {"kind": "ConfigMap"}\n')
        assert probe("change", path, body, "force")[0] == 0
        (one, first, _, headers), (two, second, _, _) = server.asked
        assert (one, two) == ("PATCH", "PATCH") and headers["Content-Type"] == "application/apply-patch+yaml", server.asked
        assert "dryRun=All" in first and "force" not in first and "fieldManager=redoubt%20probe" in first, first
        assert "dryRun" not in second and "force=true" in second, second


if __name__ == "__main__":
    main()
