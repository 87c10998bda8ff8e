// Command admission answers admission questions with Kubernetes' own dispatcher, one JSON line for each JSON line
// The differential suite tests/oracle/admission.py drives it: {"policy","binding","params","object","oldObject","namespaceObject","request"}.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/matching"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/admissionregistration"
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	"k8s.io/kubernetes/pkg/apis/admissionregistration/validation"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	"sigs.k8s.io/yaml"
)

type list []json.RawMessage

func (l *list) UnmarshalJSON(b []byte) error {
	s := strings.TrimSpace(string(b))
	if s == "null" {
		return nil
	}
	if strings.HasPrefix(s, "[") {
		return json.Unmarshal(b, (*[]json.RawMessage)(l))
	}
	*l = list{append(json.RawMessage{}, b...)}
	return nil
}

type question struct {
	Policy, Binding, Params            list
	Object, OldObject, NamespaceObject map[string]any
	Request                            struct {
		Operation, Name, Namespace, SubResource string
		Kind                                    *metav1.GroupVersionKind
		Resource                                *metav1.GroupVersionResource
		UserInfo                                struct {
			Username, UID string
			Groups        []string
			Extra         map[string][]string
		}
		DryRun bool
	}
}

type informer struct {
	informers.GenericInformer
	lister cache.GenericLister
}
type synced struct{ cache.SharedIndexInformer }

func (synced) HasSynced() bool                         { return true }
func (i informer) Lister() cache.GenericLister         { return i.lister }
func (i informer) Informer() cache.SharedIndexInformer { return synced{} }

type attributes struct {
	admission.Attributes
	keys  []string
	notes map[string]string
}

func (a *attributes) AddAnnotation(k, v string) error {
	if _, ok := a.notes[k]; ok {
		return errors.New("set")
	}
	a.notes[k] = v
	a.keys = append(a.keys, k)
	return nil
}

type recorder struct{ texts []string }

func (r *recorder) AddWarning(agent, text string) {
	for _, t := range r.texts {
		if t == text {
			return
		}
	}
	r.texts = append(r.texts, text)
}

var plurals = map[string]string{"Pod": "pods", "Deployment": "deployments", "ConfigMap": "configmaps", "Namespace": "namespaces", "ClusterRole": "clusterroles", "Role": "roles", "Widget": "widgets", "PriorityClass": "priorityclasses", "ServiceAccount": "serviceaccounts"}
var cluster = map[string]bool{"Namespace": true, "ClusterRole": true, "PriorityClass": true}

func compile(p *admissionv1.ValidatingAdmissionPolicy) (validating.Validator, error) {
	c, err := cel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		return nil, err
	}
	has := p.Spec.ParamKind != nil
	vars := cel.OptionalVariableDeclarations{HasAuthorizer: true, HasParams: has}
	plain := cel.OptionalVariableDeclarations{HasParams: has}
	for _, x := range p.Spec.Variables {
		c.CompileAndStoreVariable(&validating.Variable{Name: x.Name, Expression: x.Expression}, vars, environment.StoredExpressions)
	}
	checks := make([]cel.ExpressionAccessor, len(p.Spec.Validations))
	messages := make([]cel.ExpressionAccessor, len(p.Spec.Validations))
	var when, notes []cel.ExpressionAccessor
	for i, x := range p.Spec.Validations {
		checks[i] = &validating.ValidationCondition{Expression: x.Expression, Message: x.Message, Reason: x.Reason}
		if x.MessageExpression != "" {
			messages[i] = &validating.MessageExpressionCondition{MessageExpression: x.MessageExpression}
		}
	}
	for i := range p.Spec.MatchConditions {
		when = append(when, (*matchconditions.MatchCondition)(&p.Spec.MatchConditions[i]))
	}
	for _, x := range p.Spec.AuditAnnotations {
		notes = append(notes, &validating.AuditAnnotationCondition{Key: x.Key, ValueExpression: x.ValueExpression})
	}
	var match matchconditions.Matcher
	if len(when) > 0 {
		match = matchconditions.NewMatcher(c.CompileCondition(when, vars, environment.StoredExpressions), p.Spec.FailurePolicy, "policy", "validate", p.Name)
	}
	return validating.NewValidator(c.CompileCondition(checks, vars, environment.StoredExpressions), match,
		c.CompileCondition(notes, vars, environment.StoredExpressions),
		c.CompileCondition(messages, plain, environment.StoredExpressions), p.Spec.FailurePolicy, nil), nil
}

type reply struct {
	Verdict          string            `json:"verdict"`
	Error            string            `json:"error,omitempty"`
	Code             int32             `json:"code,omitempty"`
	Reason           string            `json:"reason,omitempty"`
	Message          string            `json:"message,omitempty"`
	Warnings         []string          `json:"warnings"`
	AuditAnnotations map[string]string `json:"auditAnnotations"`
}

func invalid(err error) reply { return reply{Verdict: "invalid", Error: err.Error()} }

func hooks(q *question) ([]validating.PolicyHook, error) {
	var out []validating.PolicyHook
	for _, raw := range q.Policy {
		p := &admissionv1.ValidatingAdmissionPolicy{}
		if err := yaml.UnmarshalStrict(raw, p); err != nil {
			return nil, err
		}
		legacyscheme.Scheme.Default(p)
		var in admissionregistration.ValidatingAdmissionPolicy
		if err := legacyscheme.Scheme.Convert(p.DeepCopy(), &in, nil); err != nil {
			return nil, err
		}
		if l := validation.ValidateValidatingAdmissionPolicy(&in); len(l) > 0 {
			return nil, l.ToAggregate()
		}
		v, err := compile(p)
		if err != nil {
			return nil, err
		}
		h := validating.PolicyHook{Policy: p, Evaluator: v}
		if p.Spec.ParamKind != nil {
			h.ParamScope = meta.RESTScopeNamespace
			if cluster[p.Spec.ParamKind.Kind] {
				h.ParamScope = meta.RESTScopeRoot
			}
			index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
			for _, raw := range q.Params {
				u := &unstructured.Unstructured{}
				if err := json.Unmarshal(raw, &u.Object); err != nil {
					return nil, err
				}
				if u.GetKind() == p.Spec.ParamKind.Kind {
					index.Add(u)
				}
			}
			h.ParamInformer = informer{lister: cache.NewGenericLister(index, schema.GroupResource{Resource: "params"})}
		}
		out = append(out, h)
	}
	for _, raw := range q.Binding {
		b := &admissionv1.ValidatingAdmissionPolicyBinding{}
		if err := yaml.UnmarshalStrict(raw, b); err != nil {
			return nil, err
		}
		legacyscheme.Scheme.Default(b)
		var in admissionregistration.ValidatingAdmissionPolicyBinding
		if err := legacyscheme.Scheme.Convert(b.DeepCopy(), &in, nil); err != nil {
			return nil, err
		}
		if l := validation.ValidateValidatingAdmissionPolicyBinding(&in); len(l) > 0 {
			return nil, l.ToAggregate()
		}
		for i := range out {
			if out[i].Policy.Name == b.Spec.PolicyName {
				out[i].Bindings = append(out[i].Bindings, b)
			}
		}
	}
	for i := range out {
		if len(out[i].Bindings) == 0 { // judged everywhere
			out[i].Bindings = []*admissionv1.ValidatingAdmissionPolicyBinding{{Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
				PolicyName: out[i].Policy.Name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny}}}}
		}
	}
	return out, nil
}

func fix(v any) any { // numbers as the API machinery has them
	switch x := v.(type) {
	case map[string]any:
		for k := range x {
			x[k] = fix(x[k])
		}
	case []any:
		for i := range x {
			x[i] = fix(x[i])
		}
	case float64:
		if x == float64(int64(x)) {
			return int64(x)
		}
	}
	return v
}

func object(m map[string]any) runtime.Object {
	if m == nil {
		return nil
	}
	return &unstructured.Unstructured{Object: fix(m).(map[string]any)}
}

func answer(line []byte) reply {
	q := &question{}
	if err := json.Unmarshal(line, q); err != nil {
		return invalid(err)
	}
	hs, err := hooks(q)
	if err != nil {
		return invalid(err)
	}
	obj, old := q.Object, q.OldObject
	op := q.Request.Operation
	if op == "" {
		op = map[bool]string{true: "UPDATE", false: "CREATE"}[old != nil]
	}
	if op == "DELETE" {
		if old == nil {
			old = obj
		}
		obj = nil
	}
	main := obj
	if main == nil {
		main = old
	}
	u := &unstructured.Unstructured{Object: main}
	gvk := u.GroupVersionKind()
	gvr := gvk.GroupVersion().WithResource(plurals[gvk.Kind])
	ns, name := u.GetNamespace(), u.GetName()
	if ns == "" && !cluster[gvk.Kind] {
		ns = "default"
	}
	if gvk.Kind == "Namespace" {
		ns = name
	}
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	n := &corev1.Namespace{}
	if q.NamespaceObject != nil {
		b, _ := json.Marshal(q.NamespaceObject)
		if err := json.Unmarshal(b, n); err != nil {
			return invalid(err)
		}
	}
	n.Name = ns
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	n.Labels["kubernetes.io/metadata.name"] = ns
	index.Add(n)
	var options runtime.Object
	tm := func(k string) metav1.TypeMeta { return metav1.TypeMeta{Kind: k, APIVersion: "meta.k8s.io/v1"} }
	switch op {
	case "CREATE":
		options = &metav1.CreateOptions{TypeMeta: tm("CreateOptions")}
	case "UPDATE":
		options = &metav1.UpdateOptions{TypeMeta: tm("UpdateOptions")}
	case "DELETE":
		options = &metav1.DeleteOptions{TypeMeta: tm("DeleteOptions")}
	}
	ui := q.Request.UserInfo
	a := &attributes{notes: map[string]string{}, Attributes: admission.NewAttributesRecord(object(obj), object(old), gvk, ns, name, gvr, q.Request.SubResource,
		admission.Operation(op), options, q.Request.DryRun, &user.DefaultInfo{Name: ui.Username, UID: ui.UID, Groups: ui.Groups, Extra: ui.Extra})}
	m := generic.NewPolicyMatcher(matching.NewMatcher(corelisters.NewNamespaceLister(index), nil))
	d := validating.NewDispatcher(nil, m)
	r := &recorder{}
	err = d.Dispatch(warning.WithWarningRecorder(context.Background(), r), a, admission.NewObjectInterfacesFromScheme(legacyscheme.Scheme), hs)
	out := reply{Verdict: "allow", Warnings: r.texts, AuditAnnotations: a.notes}
	var s *apierrors.StatusError
	if errors.As(err, &s) {
		out.Verdict, out.Code, out.Reason, out.Message = "deny", s.ErrStatus.Code, string(s.ErrStatus.Reason), s.ErrStatus.Message
	} else if err != nil {
		return reply{Verdict: "error", Error: err.Error()}
	}
	return out
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			e.Encode(answer(line))
		}
		if err != nil {
			return
		}
	}
}
