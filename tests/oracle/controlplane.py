"""A real control plane for the suites: oracle/up in a folder of its own, ended with the suite; what is asked of it goes over HTTPS.

Requests are made by somebody who may do everything but is no member of system:masters, or by a tester of that name.
"""
import concurrent.futures
import contextlib
import http.client
import re
import signal
import ssl
import tempfile
import threading
import time
import urllib.parse

from differential import *

PATIENCE = 60  # seconds until what was written must have taken effect
CALLERS = 4
# Plugins that look at more of the cluster than is there, or write into objects.
FLAGS = "--disable-admission-plugins=ServiceAccount,Priority,LimitRanger,DefaultStorageClass,DefaultTolerationSeconds"
WARNING = re.compile(r'\d+ \S+ "((?:[^"\\]|\\.)*)"')


class Reply:
    """What the API server answered."""

    def __init__(self, response):
        self.status = response.status
        self.body = json.loads(response.read() or b"{}")
        self.warnings = [re.sub(r"\\(.)", r"\1", text) for header in response.headers.get_all("Warning", []) for text in WARNING.findall(header)]

    @property
    def ok(self):
        return self.status < 300

    @property
    def message(self):
        return self.body.get("message", "") if not self.ok else ""

    def by_policy(self):
        return "ValidatingAdmissionPolicy '" in self.message


class Cluster:
    """A running control plane."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "ports"), encoding="utf-8") as file:
            self.port = int(file.read().split()[0])
        self.context = ssl.create_default_context(cafile=os.path.join(folder, "pki", "ca.crt"))
        self.context.load_cert_chain(os.path.join(folder, "pki", "admin.crt"), os.path.join(folder, "pki", "admin.key"))
        self.local = threading.local()
        self.kinds = {}  # (apiVersion, kind): (plural, namespaced)

    def send(self, method, path, body, headers):
        """The reply; once more where the server had closed the connection."""
        for attempt in (0, 1):
            if not getattr(self.local, "connection", None):
                self.local.connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=PATIENCE)
            try:
                self.local.connection.request(method, path, body, headers)
                return Reply(self.local.connection.getresponse())
            except (http.client.HTTPException, OSError):
                self.local.connection.close()
                self.local.connection = None
                if attempt:
                    raise

    def request(self, method, path, body=None, user=None, content="application/json", audit_id=None, **query):
        """USER: {"username","groups","extra"}; whoever may do everything without. AUDIT_ID names the request in the audit log."""
        user = user or {}
        headers = [("Content-Type", content)] + ([("Audit-ID", audit_id)] if audit_id else [])
        if user:
            headers += [("Impersonate-User", user["username"])] + [("Impersonate-Group", group) for group in user.get("groups", [])]
            headers += [(f"Impersonate-Extra-{key}", value) for key, values in user.get("extra", {}).items() for value in values]
        if query:
            path += "?" + urllib.parse.urlencode(query)
        # http.client takes headers as a map; the same one several times needs its own way.
        return self.send(method, path, json.dumps(body) if body is not None else None, Headers(headers))

    def discover(self):
        """Learns which kinds are served."""
        versions = ["v1"] + [v["groupVersion"] for group in self.request("GET", "/apis").body["groups"] for v in group["versions"]]
        for version in versions:
            for resource in self.request("GET", prefix(version)).body.get("resources", []):
                if "/" not in resource["name"]:
                    self.kinds[version, resource["kind"]] = resource["name"], resource["namespaced"]

    def path(self, obj, named=True):
        plural, namespaced = self.kinds[obj["apiVersion"], obj["kind"]]
        path = prefix(obj["apiVersion"])
        if namespaced:
            path += f"/namespaces/{quote(obj['metadata'].get('namespace') or 'default')}"
        return f"{path}/{plural}" + (f"/{quote(obj['metadata']['name'])}" if named else "")

    def serves(self, obj):
        return (obj.get("apiVersion"), obj.get("kind")) in self.kinds

    def create(self, obj, **options):
        return self.request("POST", self.path(obj, named=False), obj, **options)

    def replace(self, obj, **options):
        return self.request("PUT", self.path(obj), obj, **options)

    def delete(self, obj, **options):
        return self.request("DELETE", self.path(obj), **options)

    def put(self, obj):
        """Makes OBJ be there."""
        reply = self.create(obj)
        if reply.status == 409:
            version = self.request("GET", self.path(obj)).body["metadata"]["resourceVersion"]
            reply = self.replace({**obj, "metadata": {**obj["metadata"], "resourceVersion": version}})
        assert reply.ok, (reply.status, reply.message, obj)

    def each(self, function, items):
        """FUNCTION of every item, several at once."""
        with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
            return list(pool.map(function, items))

    def activate(self, policies, bindings):
        """Makes these the only policies, and waits until they decide. The params that they name have to be there."""
        for plural in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
            self.request("DELETE", f"{prefix(REGISTRATION)}/{plural}")
        kinds = {json.dumps(policy["spec"]["paramKind"]) for policy in policies if "paramKind" in policy["spec"]}
        markers = [f"marker-{time.monotonic_ns()}-{i}" for i in range(1 + len(kinds))]
        made = [marker(name, kind) for name, kind in zip(markers, [None, *map(json.loads, sorted(kinds))])]
        # What was written last takes effect last: of policies, and of bindings. Of params, all that were there are seen, or none.
        for obj in (*policies, *bindings, marker(NAMESPACE_SEEN), binding_of(NAMESPACE_SEEN, NAMESPACE_SEEN, ["Warn"]), *made, *map(marker_binding, made)):
            self.put(obj)
        for name in markers:
            self.wait(lambda name=name: f"{name} acts in " in self.warnings_of(name), "policies that decide")

    def warnings_of(self, name, namespace="default"):
        """What the policies, that of the marker NAME among them, say about an object of its own. Others may refuse it."""
        probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "marker", "namespace": namespace, "labels": {"marker": name}}}
        return "\n".join(self.create(probe, dryRun="All").warnings)

    def put_namespace(self, obj):
        """Makes the Namespace OBJ be there, as OBJ is, for policies as well. After `activate`."""
        self.put(obj)
        name = obj["metadata"]["name"]

        def seen():
            version = self.request("GET", self.path(obj)).body["metadata"]["resourceVersion"]
            return f"{NAMESPACE_SEEN} acts in {version}." in self.warnings_of(NAMESPACE_SEEN, name)

        self.wait(seen, f"policies that see the namespace {name}")

    def audit_log(self, complete):
        """The text of the audit log as soon as COMPLETE, of its events, holds."""
        path = pathlib.Path(self.folder, "audit.log")

        def whole():
            text = path.read_text(encoding="utf-8")
            return text if text.endswith("\n") and complete(list(map(json.loads, text.splitlines()))) else None

        return self.wait(whole, "the audit log")

    @staticmethod
    def wait(condition, what):
        """What CONDITION says as soon as it is true."""
        end = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < end, f"waited in vain for {what}"
            time.sleep(0.1)
        return found


class Headers(dict):
    """Headers for http.client of which one may come several times."""

    def __init__(self, pairs):
        super().__init__(pairs)
        self.pairs = pairs

    def items(self):
        return self.pairs


REGISTRATION = "admissionregistration.k8s.io/v1"


def policy_of(name, spec):
    return {"apiVersion": REGISTRATION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec}


def binding_of(name, policy, actions):
    return {"apiVersion": REGISTRATION, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
            "spec": {"policyName": policy, "validationActions": actions}}


NAMESPACE_SEEN = "namespace-seen"


def marker(name, param_kind=None):
    """A policy that says something about a ConfigMap with the label NAME: which version of the namespace it sees."""
    spec = {"matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}],
                                 "objectSelector": {"matchLabels": {"marker": name}}},
            "validations": [{"expression": "false", "messageExpression": f"'{name} acts in ' + namespaceObject.metadata.resourceVersion + '.'"}]}
    return policy_of(name, {**spec, "paramKind": param_kind} if param_kind else spec)


def marker_binding(policy):
    binding = binding_of(policy["metadata"]["name"], policy["metadata"]["name"], ["Warn"])
    if "paramKind" in policy["spec"]:
        binding["spec"]["paramRef"] = {"selector": {}, "parameterNotFoundAction": "Deny"}
    return binding


def prefix(version):
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def quote(name):
    return urllib.parse.quote(name, safe="")


@contextlib.contextmanager
def cluster(**environment):
    """A control plane that is there for as long as it is used. Without one that is built there is nothing to test."""
    if not os.access(os.path.join(ROOT, ".build", "oracle", "kube"), os.X_OK):
        raise Skip("the control plane is not built: oracle/build kube")
    # Who ends the suite ends the control plane, too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    with tempfile.TemporaryDirectory() as folder:
        try:
            up = subprocess.run([os.path.join(ROOT, "oracle", "up"), folder], env={**os.environ, "API_FLAGS": FLAGS, **environment}, capture_output=True,
                                timeout=TIME_LIMIT, check=False)
            assert up.returncode == 0, up.stderr.decode()
            made = Cluster(folder)
            made.discover()
            yield made
        finally:
            subprocess.run([os.path.join(ROOT, "oracle", "down"), "--wipe", folder], timeout=TIME_LIMIT, check=False)
