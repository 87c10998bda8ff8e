package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	_ "unsafe" // for go:linkname

	admissionregistration "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/kube-openapi/pkg/builder3"
	openapiutil "k8s.io/kube-openapi/pkg/util"
	"k8s.io/kubernetes/pkg/generated/openapi"
)

// mapQuestion asks what MutatingAdmissionPolicies make of a request, in the order of their names. A policy without a
// binding gets one.
type mapQuestion struct {
	request
	Policy   json.RawMessage   `json:"policy"`
	Policies []json.RawMessage `json:"policies"`
	Binding  json.RawMessage   `json:"binding"`
	Bindings []json.RawMessage `json:"bindings"`
	Params   []json.RawMessage `json:"params"`
}

type mapAnswer struct {
	Matched  bool     `json:"matched"`
	Allowed  bool     `json:"allowed"`
	Message  string   `json:"message,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Code     int32    `json:"code,omitempty"`
	Object   any      `json:"object"` // after the policy
	Warnings []string `json:"warnings,omitempty"`
}

//go:linkname compileMutating k8s.io/apiserver/pkg/admission/plugin/policy/mutating.compilePolicy
func compileMutating(policy *admissionregistration.MutatingAdmissionPolicy) mutating.PolicyEvaluator

func (q *mapQuestion) answer() (any, error) {
	p, err := q.prepare()
	if err != nil {
		return nil, err
	}
	hooks, err := q.hooks(p)
	if err != nil {
		return nil, err
	}
	answer := &mapAnswer{}
	for _, hook := range hooks {
		if matches, _, _, err := p.matcher.Matches(p.attributes, p.interfaces, criteriaOf(hook.Policy)); err == nil && matches {
			answer.Matched = true
		}
	}
	r := &record{}
	ctx := warning.WithWarningRecorder(context.Background(), r)
	dispatcher := mutating.NewDispatcher(p.authorizer, p.matcher, converters{})
	err = dispatcher.Dispatch(ctx, p.attributes, p.interfaces, hooks)
	if reinvocation := p.attributes.GetReinvocationContext(); err == nil && reinvocation.ShouldReinvoke() {
		reinvocation.SetIsReinvoke() // as admission.NewReinvocationHandler does
		err = dispatcher.Dispatch(ctx, p.attributes, p.interfaces, hooks)
	}
	answer.Message, answer.Reason, answer.Code = status(err)
	answer.Allowed, answer.Warnings = err == nil, r.warnings
	if object := p.attributes.GetObject(); object != nil {
		versioned, err := admission.ConvertToGVK(object, p.attributes.GetKind(), p.interfaces)
		if err != nil {
			return nil, err
		}
		if answer.Object, err = asSeen(versioned); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

func (q *mapQuestion) hooks(p *prepared) ([]mutating.PolicyHook, error) {
	raws := q.Policies
	if !absent(q.Policy) {
		raws = append(raws, q.Policy)
	}
	var hooks []mutating.PolicyHook
	for _, raw := range raws {
		policy := &admissionregistration.MutatingAdmissionPolicy{}
		if err := decodeInto(raw, policy); err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
		hook := mutating.PolicyHook{Policy: policy, Evaluator: compileMutating(policy)}
		var err error
		if hook.Bindings, err = q.bindings(policy.Name); err != nil {
			return nil, err
		}
		if kind := policy.Spec.ParamKind; kind != nil {
			version, err := schema.ParseGroupVersion(kind.APIVersion)
			if err != nil {
				return nil, fmt.Errorf("paramKind: %w", err)
			}
			hook.ParamInformer, hook.ParamScope, hook.ConfigurationError = newParams(version.WithKind(kind.Kind), q.Params, p.mapper)
		}
		hooks = append(hooks, hook)
	}
	slices.SortStableFunc(hooks, func(a, b mutating.PolicyHook) int { return strings.Compare(a.Policy.Name, b.Policy.Name) })
	return hooks, nil
}

func (q *mapQuestion) bindings(policy string) ([]*admissionregistration.MutatingAdmissionPolicyBinding, error) {
	raws := q.Bindings
	if !absent(q.Binding) {
		raws = append(raws, q.Binding)
	}
	if raws == nil {
		binding := &admissionregistration.MutatingAdmissionPolicyBinding{}
		binding.Name, binding.Spec.PolicyName = policy, policy
		scheme.Default(binding)
		return []*admissionregistration.MutatingAdmissionPolicyBinding{binding}, nil
	}
	var bindings []*admissionregistration.MutatingAdmissionPolicyBinding
	for _, raw := range raws {
		binding := &admissionregistration.MutatingAdmissionPolicyBinding{}
		if err := decodeInto(raw, binding); err != nil {
			return nil, fmt.Errorf("binding: %w", err)
		}
		if binding.Spec.PolicyName == policy {
			bindings = append(bindings, binding)
		}
	}
	return bindings, nil
}

// staticConverter knows the schemas of the built-in kinds, made from the same definitions as the API server's.
var staticConverter = sync.OnceValues(func() (managedfields.TypeConverter, error) {
	config := server.DefaultOpenAPIV3Config(openapi.GetOpenAPIDefinitions, openapinamer.NewDefinitionNamer(scheme))
	var names []string
	for _, version := range scheme.PrioritizedVersionsAllGroups() {
		for kind := range scheme.KnownTypes(version) {
			sample, err := scheme.New(version.WithKind(kind))
			if err != nil {
				return nil, err
			}
			name := openapiutil.GetCanonicalTypeName(sample)
			if _, described := config.Definitions[name]; described {
				names = append(names, name)
			}
		}
	}
	definitions, err := builder3.BuildOpenAPIDefinitionsForResources(config, names...)
	if err != nil {
		return nil, err
	}
	return managedfields.NewTypeConverter(definitions, false)
})

// converters finds the schema of a kind for ApplyConfiguration; a custom kind's is deduced from its objects.
type converters struct{}

func (converters) Run(context.Context) {}

func (converters) GetTypeConverter(gvk schema.GroupVersionKind) managedfields.TypeConverter {
	if !scheme.Recognizes(gvk) {
		return managedfields.NewDeducedTypeConverter()
	}
	static, err := staticConverter()
	if err != nil {
		panic(err)
	}
	return patch.NewTypeConverterManager(static, nil).GetTypeConverter(gvk)
}
