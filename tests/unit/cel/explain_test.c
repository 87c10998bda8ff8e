/*
 * Explaining verdicts: the place a person would point at.
 *
 * Each case is an expression over the pod below and the nodes that decided its value, as field
 * paths separated by spaces. A path followed by "-key" says that `key` was missed there ("-" alone:
 * that something was). The expectations are reasoned from the rules in cel/explain.h.
 */
#include "../test.h"

#include "base/buf.h"
#include "base/util.h"
#include "cel/explain.h"

static const char pod[] = "apiVersion: v1\n"
                          "kind: Pod\n"
                          "metadata:\n"
                          "  name: shop\n"
                          "  namespace: default\n"
                          "  labels: {app: shop, tier: web, owner: shop}\n"
                          "  annotations:\n"
                          "    container.apparmor.security.beta.kubernetes.io/web: unconfined\n"
                          "spec:\n"
                          "  hostNetwork: true\n"
                          "  hostPID: false\n"
                          "  serviceAccountName: shop\n"
                          "  securityContext:\n"
                          "    runAsNonRoot: true\n"
                          "  containers:\n"
                          "  - name: web\n"
                          "    image: nginx:latest\n"
                          "    securityContext:\n"
                          "      privileged: true\n"
                          "      capabilities: {add: [NET_ADMIN, CHOWN], drop: [ALL]}\n"
                          "    resources:\n"
                          "      limits: {memory: 1Gi}\n"
                          "    ports:\n"
                          "    - {containerPort: 80, hostPort: 80}\n"
                          "    - {containerPort: 443}\n"
                          "  - name: sidecar\n"
                          "    image: registry.example.com/sidecar:v1\n"
                          "    securityContext:\n"
                          "      privileged: false\n"
                          "      runAsNonRoot: false\n"
                          "    ports:\n"
                          "    - {containerPort: 9000, hostPort: 9000}\n"
                          "  - name: plain\n"
                          "    image: plain\n"
                          "  volumes:\n"
                          "  - {name: data, emptyDir: {}}\n"
                          "  - {name: root, hostPath: {path: /}}\n"
                          "  - {name: logs, hostPath: {path: /var/log}}\n";

static const char params[] = "allowed: [registry.example.com/, gcr.io/]\n"
                             "required: [agent]\n"
                             "max: 2\n";

/* Like the variables of a policy: each may use those before it. */
static const struct {
        const char *name, *expression;
} variables[] = {
        { "containers", "object.spec.containers + object.spec.?initContainers.orValue([])" },
        { "bad", "variables.containers.filter(c, c.?securityContext.?privileged.orValue(false))" },
        { "unlimited", "variables.containers.filter(c, !has(c.resources) || "
                       "!has(c.resources.limits))" },
        { "podNonRoot", "object.spec.?securityContext.?runAsNonRoot.orValue(false)" },
        { "names", "variables.containers.map(c, c.name)" },
        { "hostNetwork", "has(object.spec.hostNetwork) && object.spec.hostNetwork" },
        { "info", "{'image': object.spec.containers[0].image, 'n': dyn(1)}" },
        { "broken", "object.spec.nowhere" },
        { "allowed", "['registry.example.com/', 'gcr.io/']" },
        { "missing", "object.spec.?initContainers.orValue([])" },
};

struct fixture {
        struct cel_lazy lazy; /* first: get() finds the rest behind it */
        struct arena arena;
        struct cel_env *env;
        struct cel_program *programs[ELEMENTS(variables)];
        struct cel_value values[ELEMENTS(variables)];
        const struct doc_node *object;
        struct cel_value activation[3];
        const char *expression; /* of the current case, for messages */
};

static int find_variable(struct str key) {
        for (size_t i = 0; i < ELEMENTS(variables); i++)
                if (str_eq(key, str_from(variables[i].name)))
                        return (int)i;
        return -1;
}

static int get_variable(const struct cel_lazy *lazy, struct cel_context *context, struct str key,
                        struct cel_value *ret) {
        struct fixture *fixture = (struct fixture *)lazy;
        int at = find_variable(key);

        if (at < 0)
                return -ENOENT;
        cel_eval_nested(fixture->programs[at], context, ret);
        return 0;
}

static const struct cel_program *variable_program(const struct cel_lazy *lazy, struct str key) {
        int at = find_variable(key);

        return at < 0 ? NULL : ((const struct fixture *)lazy)->programs[at];
}

static const struct doc_node *read_yaml(struct arena *arena, const char *text) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        struct error error = { 0 };
        struct doc *doc;

        assert_int_equal(doc_source_init(arena, STR("test"), str_from(text), source, &error), 0);
        doc_reader_init(&reader, source, DOC_YAML, &doc_default_limits);
        assert_int_equal(doc_read(&reader, arena, &doc, &error), 1);
        return doc->root;
}

static struct cel_program *compile(struct fixture *fixture, const char *expression) {
        struct cel_program *program;
        struct error error = { 0 };

        if (cel_compile(fixture->env, &fixture->arena, str_from(expression), &program, &error) < 0)
                fail_msg("%s: %s", expression, error.message);
        return program;
}

static void setup(struct fixture *fixture) {
        struct cel_env_options options = { .kube_minor = 36 };

        *fixture = (struct fixture){ .lazy = { get_variable } };
        assert_int_equal(cel_env_new(&fixture->arena, &options, &fixture->env), 0);
        assert_int_equal(cel_env_declare(fixture->env, STR("object"), &cel_type_dyn), 0);
        assert_int_equal(cel_env_declare(fixture->env, STR("variables"), &cel_type_dyn), 1);
        assert_int_equal(cel_env_declare(fixture->env, STR("params"), &cel_type_dyn), 2);
        for (size_t i = 0; i < ELEMENTS(variables); i++)
                fixture->programs[i] = compile(fixture, variables[i].expression);
        fixture->object = read_yaml(&fixture->arena, pod);
        fixture->activation[0] = cel_from_doc(fixture->object);
        fixture->activation[1] = (struct cel_value){ .kind = CEL_MAP,
                                                     .representation = CEL_LAZY,
                                                     .lazy = &fixture->lazy };
        fixture->activation[2] = cel_from_doc(read_yaml(&fixture->arena, params));
}

static void teardown(struct fixture *fixture) {
        cel_env_free(fixture->env);
        arena_free(&fixture->arena);
}

/* The reasons as text. */
static struct str explain(struct fixture *fixture, struct arena *scratch, const char *expression) {
        struct cel_program *program = compile(fixture, expression);
        struct cel_activation activation = { .variables = fixture->activation, .count = 3 };
        struct cel_explainer explainer = { variable_program };
        struct cel_reason reasons[CEL_EXPLAIN_MAX];
        _cleanup_(buf_free) struct buf buf = BUF_INIT;
        size_t count = cel_explain(program, &activation, &explainer, scratch, reasons);

        for (size_t i = 0; i < count; i++) {
                if (i > 0)
                        buf_add_char(&buf, ' ');
                buf_add(&buf, doc_path(scratch, reasons[i].node));
                if (reasons[i].missed)
                        buf_printf(&buf, "-%.*s", STR_ARG(reasons[i].missed_key));
        }
        return arena_str(scratch, buf_str(&buf));
}

struct explain_case {
        const char *expression, *expected;
};

#define C0 "spec.containers[0]"
#define C1 "spec.containers[1]"
#define C2 "spec.containers[2]"

static const struct explain_case cases[] = {
        /* plain fields */
        { "object.spec.hostNetwork == false", "spec.hostNetwork" },
        { "object.spec.hostPID", "spec.hostPID" },
        { "!object.spec.hostNetwork", "spec.hostNetwork" },
        { "object.metadata.name == object.spec.serviceAccountName + 'x'",
          "metadata.name spec.serviceAccountName" },
        { "object.metadata['name'] == 'x'", "metadata.name" },
        { "object.spec.containers[2].image.contains(':')", C2 ".image" },
        { "false", "" },
        { "1 > 2", "" },

        /* has() */
        { "!has(object.spec.hostNetwork) || object.spec.hostNetwork == false", "spec.hostNetwork" },
        { "has(object.spec.hostIPC)", "spec-hostIPC" },
        { "has(object.spec.hostIPC) && object.spec.hostIPC", "spec-hostIPC" },
        { "!(has(object.spec.hostNetwork) && object.spec.hostNetwork)", "spec.hostNetwork" },
        { "has(object.spec.dnsConfig) && has(object.spec.dnsConfig.options)", "spec-dnsConfig" },
        { "has(object.metadata.labels) && has(object.metadata.labels.team)",
          "metadata.labels-team" },

        /* && and || */
        { "object.spec.hostPID && object.spec.hostNetwork", "spec.hostPID" },
        { "!object.spec.hostNetwork && object.spec.hostPID", "spec.hostNetwork spec.hostPID" },
        { "object.spec.hostPID || object.metadata.name == 'x'", "metadata.name spec.hostPID" },
        { "!(object.spec.hostPID || object.spec.hostNetwork)", "spec.hostNetwork" },
        { "object.spec.nowhere.x || object.spec.hostPID", "spec-nowhere" },
        { "object.spec.hostPID && object.spec.nowhere.x", "spec.hostPID" },

        /* conditional */
        { "has(object.spec.hostIPC) ? object.spec.hostIPC : false", "spec-hostIPC" },
        { "has(object.spec.hostPID) ? object.spec.hostPID : true", "spec.hostPID" },
        { "object.metadata.name == 'shop' ? object.spec.hostPID : true", "spec.hostPID" },

        /* all */
        { "object.spec.containers.all(c, c.?securityContext.?privileged.orValue(false) == false)",
          C0 ".securityContext.privileged" },
        { "object.spec.containers.all(c, !has(c.securityContext) || "
          "!has(c.securityContext.privileged) || c.securityContext.privileged == false)",
          C0 ".securityContext.privileged" },
        { "object.spec.containers.all(c, has(c.securityContext) && "
          "has(c.securityContext.runAsNonRoot) && c.securityContext.runAsNonRoot)",
          C0 ".securityContext-runAsNonRoot " C1 ".securityContext.runAsNonRoot " C2
             "-securityContext" },
        { "object.spec.containers.all(c, !c.image.endsWith(':latest') && c.image.contains(':'))",
          C0 ".image " C2 ".image" },
        { "object.spec.containers.all(c, has(c.resources) && has(c.resources.limits) && "
          "'cpu' in c.resources.limits)",
          C0 ".resources.limits-cpu " C1 "-resources " C2 "-resources" },
        { "object.spec.containers.all(c, c.?ports.orValue([]).all(p, !has(p.hostPort)))",
          C0 ".ports[0].hostPort " C1 ".ports[0].hostPort" },
        { "object.spec.containers.all(c, c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == "
          "0))",
          C0 ".ports[0].hostPort " C1 ".ports[0].hostPort" },
        { "object.spec.volumes.all(v, !has(v.hostPath))",
          "spec.volumes[1].hostPath spec.volumes[2].hostPath" },
        { "object.spec.volumes.all(v, !has(v.hostPath) || v.hostPath.path != '/')",
          "spec.volumes[1].hostPath.path" },
        { "object.spec.containers.all(c, c.name != 'plain')", C2 ".name" },
        { "!object.spec.containers.all(c, has(c.name))", "spec.containers" },
        { "object.metadata.labels.all(k, k.startsWith('app'))",
          "metadata.labels.tier metadata.labels.owner" },
        { "object.metadata.annotations.all(k, v, v != 'unconfined')",
          "metadata.annotations[\"container.apparmor.security.beta.kubernetes.io/web\"]" },
        { "object.spec.containers.all(c, c.?securityContext.?capabilities.?add.orValue([])"
          ".all(x, x in ['CHOWN', 'KILL']))",
          C0 ".securityContext.capabilities.add[0]" },
        { "object.spec.containers.all(c, 'ALL' in "
          "c.?securityContext.?capabilities.?drop.orValue([]))",
          C1 ".securityContext-capabilities " C2 "-securityContext" },
        { "object.spec.containers.all(c, object.spec.hostPID)", "spec.hostPID" },
        { "object.spec.containers.all(c, false)", C0 " " C1 " " C2 },

        /* exists */
        { "!object.spec.containers.exists(c, c.image.endsWith(':latest'))", C0 ".image" },
        { "object.spec.containers.exists(c, c.name == 'agent')", "spec.containers" },
        { "object.spec.?initContainers.orValue([]).exists(c, c.name == 'agent')",
          "spec-initContainers" },
        { "object.spec.containers.exists_one(c, has(c.securityContext))",
          C0 ".securityContext " C1 ".securityContext" },
        { "object.spec.containers.exists_one(c, c.name == 'agent')", "spec.containers" },
        { "object.spec.containers.all(c, variables.allowed.exists(r, c.image.startsWith(r)))",
          C0 ".image " C2 ".image" },
        { "object.spec.containers.all(c, ['gcr.io/', 'quay.io/'].exists(r, "
          "c.image.startsWith(r)))",
          C0 ".image " C1 ".image " C2 ".image" },

        /* in */
        { "object.metadata.name in ['a', 'b']", "metadata.name" },
        { "!(object.metadata.name in ['shop', 'b'])", "metadata.name" },
        { "'team' in object.metadata.labels", "metadata.labels-team" },
        { "!('app' in object.metadata.labels)", "metadata.labels.app" },
        { "!('NET_ADMIN' in object.spec.containers[0].securityContext.capabilities.add)",
          C0 ".securityContext.capabilities.add[0]" },
        { "'KILL' in object.spec.containers[0].securityContext.capabilities.add",
          C0 ".securityContext.capabilities.add" },

        /* lists that the rule makes */
        { "object.spec.containers.filter(c, !has(c.resources)).size() == 0",
          C1 "-resources " C2 "-resources" },
        { "size(object.spec.containers.filter(c, c.name == 'agent')) > 0", "spec.containers" },
        { "object.spec.containers.filter(c, c.image == 'plain').map(c, c.name).join(',') == ''",
          C2 ".name" },
        { "object.spec.containers.map(c, c.image).all(i, i.contains(':'))", C2 ".image" },
        { "object.spec.containers.map(c, c.image + '!').all(i, i.contains(':'))",
          C0 ".image " C1 ".image " C2 ".image" },
        { "size(object.spec.containers.map(c, c.name)) < 3", "spec.containers" },
        { "size(object.spec.containers) < 3", "spec.containers" },
        { "(object.spec.containers + object.spec.?initContainers.orValue([])).all(c, "
          "has(c.securityContext))",
          C2 "-securityContext" },

        /* variables */
        { "variables.bad.size() == 0", C0 ".securityContext.privileged" },
        { "size(variables.bad) == 0", C0 ".securityContext.privileged" },
        { "variables.unlimited.size() == 0", C1 "-resources " C2 "-resources" },
        { "variables.unlimited.map(c, c.name).size() == 0", C1 "-resources " C2 "-resources" },
        { "variables.containers.all(c, has(c.securityContext))", C2 "-securityContext" },
        { "!variables.hostNetwork", "spec.hostNetwork" },
        { "!('plain' in variables.names)", C2 ".name" },
        { "variables.info.image == 'x'", C0 ".image" },
        { "variables.info.n == 2", C0 ".image" },
        { "variables.missing.size() > 0", "spec-initContainers" },
        { "variables.broken", "spec-nowhere" },
        { "variables.containers.size() < 3", "spec.containers" },

        /* optionals: what is missing counts where it was missed, what was found counts alone */
        { "object.spec.containers.all(c, c.?securityContext.?runAsNonRoot.orValue("
          "object.spec.?securityContext.?runAsNonRoot.orValue(false)))",
          C1 ".securityContext.runAsNonRoot" },
        { "object.spec.containers.all(c, c.?securityContext.?readOnlyRootFilesystem.orValue("
          "object.spec.?securityContext.?readOnlyRootFilesystem.orValue(false)))",
          C0 ".securityContext-readOnlyRootFilesystem " C1
             ".securityContext-readOnlyRootFilesystem " C2 "-securityContext" },
        { "object.spec.containers.all(c, c.?securityContext.?runAsUser.orValue("
          "object.spec.?hostNetwork.orValue(false)) == false)",
          "spec.hostNetwork" },
        { "object.spec.containers.all(c, c.?securityContext.?runAsNonRoot.orValue(false) || "
          "variables.podNonRoot == false)",
          "spec.securityContext.runAsNonRoot " C0 ".securityContext-runAsNonRoot " C1
          ".securityContext.runAsNonRoot " C2 "-securityContext" },
        { "object.spec.?hostIPC.hasValue()", "spec-hostIPC" },
        { "object.?spec.?strategy.?type.orValue('x') == 'Recreate'", "spec-strategy" },
        { "object.spec.?hostIPC.or(object.spec.?hostPID).orValue(true)", "spec.hostPID" },
        { "object.spec.?hostNetwork.optMap(h, !h).orValue(true)", "spec.hostNetwork" },
        { "object.spec.?dnsPolicy.optMap(p, p == 'x').orValue(false)", "spec-dnsPolicy" },
        { "object.spec.containers[?7].?image.orValue('') != ''", "spec.containers-" },

        /* errors */
        { "object.spec.containers.all(c, c.securityContext.privileged == false)",
          C0 ".securityContext.privileged" },
        { "object.spec.containers.all(c, c.resources.limits.cpu == '1')",
          C0 ".resources.limits-cpu " C1 "-resources " C2 "-resources" },
        { "object.spec.nodeName == 'x'", "spec-nodeName" },
        { "object.spec.containers[5].name == 'x'", "spec.containers-" },
        { "object.metadata.name + 1 == 2", "metadata.name" },
        { "int(object.metadata.name) > 2", "metadata.name" },

        /* parameters are another document */
        { "object.spec.containers.size() <= params.max", "spec.containers max" },
        { "object.metadata.name in params.allowed", "metadata.name" },
        { "params.required.all(r, object.spec.containers.exists(c, c.name == r))",
          "spec.containers required[0]" },
};

static void test_cases(_unused_ void **state) {
        struct fixture fixture;
        unsigned failed = 0;

        setup(&fixture);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(arena_free) struct arena scratch = ARENA_INIT;
                struct str actual = explain(&fixture, &scratch, cases[i].expression);

                if (str_eq(actual, str_from(cases[i].expected)))
                        continue;
                print_error("%s\n        gives    %.*s\n        expected %s\n", cases[i].expression,
                            STR_ARG(actual), cases[i].expected);
                failed++;
        }
        assert_int_equal(failed, 0);
        teardown(&fixture);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
