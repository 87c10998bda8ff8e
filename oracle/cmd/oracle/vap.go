package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"unsafe"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	admissioncel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/warning"
)

// vapQuestion asks what ValidatingAdmissionPolicy makes of a request. A policy gets a binding that denies where the question
// has none at all. With "policies" several are dispatched together, in their order. With "set" in the place of a policy every
// policy of a loaded set is asked on its own, and only what is not admitted is told.
type vapQuestion struct {
	request
	Policy   json.RawMessage   `json:"policy"`
	Policies []json.RawMessage `json:"policies"`
	Binding  json.RawMessage   `json:"binding"`
	Bindings []json.RawMessage `json:"bindings"`
	Params   []json.RawMessage `json:"params"`
	Set      string            `json:"set"`
}

type vapAnswer struct {
	Policy  string `json:"policy,omitempty"`
	Matched bool   `json:"matched"` // by a policy's constraints
	Allowed bool   `json:"allowed"`
	// What the API server would answer with when it is not allowed.
	Message string `json:"message,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Code    int32  `json:"code,omitempty"`

	Evaluations      []*evaluation     `json:"evaluations,omitempty"` // one for each binding and param
	Warnings         []string          `json:"warnings,omitempty"`
	AuditAnnotations map[string]string `json:"auditAnnotations,omitempty"`
	Problems         []string          `json:"problems,omitempty"`
}

// evaluation is one run of a policy: with one binding and one param.
type evaluation struct {
	Policy           string            `json:"policy"`
	Binding          string            `json:"binding"`
	Param            string            `json:"param,omitempty"`
	Decisions        []decision        `json:"decisions"`
	AuditAnnotations []annotation      `json:"auditAnnotations,omitempty"`
	Cost             map[string]*int64 `json:"cost"` // by what was evaluated; null where the budget was exceeded
}

type decision struct {
	Action     string `json:"action"`     // admit, deny
	Evaluation string `json:"evaluation"` // admit, deny, error
	Message    string `json:"message,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

type annotation struct {
	Action string `json:"action"` // publish, exclude, error
	Key    string `json:"key"`
	Value  string `json:"value,omitempty"`
	Error  string `json:"error,omitempty"`
}

//go:linkname compileValidating k8s.io/apiserver/pkg/admission/plugin/policy/validating.compilePolicy
func compileValidating(policy *admissionregistration.ValidatingAdmissionPolicy) validating.Validator

// compiledPolicy is a policy with its evaluator, which is made once however often the policy is asked.
type compiledPolicy struct {
	policy    *admissionregistration.ValidatingAdmissionPolicy
	evaluator validating.Validator
	err       error
}

const maxCompiled = 4096

var (
	compiledLock sync.Mutex
	compiled     = map[string]*compiledPolicy{}
)

func compilePolicy(raw json.RawMessage) (*compiledPolicy, error) {
	compiledLock.Lock()
	defer compiledLock.Unlock()
	if known := compiled[string(raw)]; known != nil {
		return known, known.err
	}
	c := &compiledPolicy{policy: &admissionregistration.ValidatingAdmissionPolicy{}}
	if c.err = decodeInto(raw, c.policy); c.err == nil {
		evaluator := compileValidating(c.policy)
		meterEvaluators(evaluator)
		c.evaluator = recorder{evaluator, c.policy.Name}
	}
	if len(compiled) >= maxCompiled {
		clear(compiled)
	}
	compiled[string(raw)] = c
	return c, c.err
}

// record collects what the evaluators of a request do; it travels in the request's context.
type record struct {
	binding     string
	cost        map[string]*int64
	evaluations []*evaluation
	warnings    []string
}

type recordKey struct{}

func recordOf(ctx context.Context) *record {
	r, _ := ctx.Value(recordKey{}).(*record)
	return r
}

// AddWarning keeps each text once, as the API server does.
func (r *record) AddWarning(_, text string) {
	if !slices.Contains(r.warnings, text) {
		r.warnings = append(r.warnings, text)
	}
}

// recorder writes down what a policy's evaluator decides.
type recorder struct {
	validating.Validator
	policy string
}

func (r recorder) Validate(ctx context.Context, resource schema.GroupVersionResource, attributes *admission.VersionedAttributes,
	params runtime.Object, namespace *corev1.Namespace, budget int64, authz authorizer.Authorizer) validating.ValidateResult {
	to := recordOf(ctx)
	to.cost = map[string]*int64{}
	result := r.Validator.Validate(ctx, resource, attributes, params, namespace, budget, authz)
	e := &evaluation{Policy: r.policy, Binding: to.binding, Decisions: []decision{}, Cost: to.cost}
	if params != nil {
		e.Param = paramName(params)
	}
	for _, d := range result.Decisions {
		e.Decisions = append(e.Decisions, decision{string(d.Action), string(d.Evaluation), d.Message, string(d.Reason)})
	}
	for _, a := range result.AuditAnnotations {
		e.AuditAnnotations = append(e.AuditAnnotations, annotation{string(a.Action), a.Key, a.Value, a.Error})
	}
	to.evaluations = append(to.evaluations, e)
	return result
}

// paramName gives namespace/name of a param, which the dispatcher may have wrapped.
func paramName(param runtime.Object) string {
	content, err := asSeen(param)
	if err != nil {
		return ""
	}
	metadata, _ := content["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	if namespace, _ := metadata["namespace"].(string); namespace != "" {
		return namespace + "/" + name
	}
	return name
}

// meter reads off how much of its budget an evaluator uses.
type meter struct {
	admissioncel.ConditionEvaluator
	what string
}

func (m meter) ForInput(ctx context.Context, attributes *admission.VersionedAttributes, request *admissionv1.AdmissionRequest,
	variables admissioncel.OptionalVariableBindings, namespace *corev1.Namespace, budget int64) ([]admissioncel.EvaluationResult,
	int64, error) {
	results, left, err := m.ConditionEvaluator.ForInput(ctx, attributes, request, variables, namespace, budget)
	if r := recordOf(ctx); r != nil && (len(results) > 0 || err != nil) {
		r.cost[m.what] = nil
		if err == nil && left >= 0 {
			used := budget - left
			r.cost[m.what] = &used
		}
	}
	return results, left, err
}

// meterEvaluators puts a meter around each of the evaluators that a compiled policy holds. They are private fields of upstream's
// validator, whose code runs unchanged.
func meterEvaluators(evaluator validating.Validator) {
	validator := reflect.ValueOf(evaluator).Elem()
	meterField(validator.FieldByName("validationFilter"), "validations")
	meterField(validator.FieldByName("messageFilter"), "messages")
	meterField(validator.FieldByName("auditAnnotationFilter"), "auditAnnotations")
	if matcher := validator.FieldByName("celMatcher"); !matcher.IsNil() {
		meterField(matcher.Elem().Elem().FieldByName("filter"), "matchConditions")
	}
}

func meterField(field reflect.Value, what string) {
	evaluator := (*admissioncel.ConditionEvaluator)(unsafe.Pointer(field.UnsafeAddr()))
	if *evaluator != nil {
		*evaluator = meter{*evaluator, what}
	}
}

// bindingWatcher notes which binding is at work.
type bindingWatcher struct {
	generic.PolicyMatcher
	record *record
}

func (w bindingWatcher) BindingMatches(a admission.Attributes, o admission.ObjectInterfaces, binding generic.BindingAccessor) (bool,
	error) {
	w.record.binding = binding.GetName()
	return w.PolicyMatcher.BindingMatches(a, o, binding)
}

func (q *vapQuestion) answer() (any, error) {
	p, err := q.prepare()
	if err != nil {
		return nil, err
	}
	if q.Set != "" {
		return q.answerSet(p)
	}
	raws := q.Policies
	if !absent(q.Policy) {
		raws = append(raws, q.Policy)
	}
	var policies []boundPolicy
	for _, raw := range raws {
		c, err := compilePolicy(raw)
		if err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
		bindings, err := q.bindings(c.policy.Name)
		if err != nil {
			return nil, err
		}
		policies = append(policies, boundPolicy{c, bindings})
	}
	return q.dispatch(p, policies...)
}

func (q *vapQuestion) bindings(policy string) ([]*admissionregistration.ValidatingAdmissionPolicyBinding, error) {
	raws := q.Bindings
	if !absent(q.Binding) {
		raws = append(raws, q.Binding)
	}
	if raws == nil {
		return []*admissionregistration.ValidatingAdmissionPolicyBinding{denyBinding(policy)}, nil
	}
	var bindings []*admissionregistration.ValidatingAdmissionPolicyBinding
	for _, raw := range raws {
		binding := &admissionregistration.ValidatingAdmissionPolicyBinding{}
		if err := decodeInto(raw, binding); err != nil {
			return nil, fmt.Errorf("binding: %w", err)
		}
		if binding.Spec.PolicyName == policy {
			bindings = append(bindings, binding)
		}
	}
	return bindings, nil
}

func denyBinding(policy string) *admissionregistration.ValidatingAdmissionPolicyBinding {
	binding := &admissionregistration.ValidatingAdmissionPolicyBinding{}
	binding.Name = policy
	binding.Spec.PolicyName = policy
	binding.Spec.ValidationActions = []admissionregistration.ValidationAction{admissionregistration.Deny}
	scheme.Default(binding)
	return binding
}

func (q *vapQuestion) dispatch(p *prepared, policies ...boundPolicy) (*vapAnswer, error) {
	r := &record{}
	ctx := warning.WithWarningRecorder(context.WithValue(context.Background(), recordKey{}, r), r)
	policyMatcher := generic.NewPolicyMatcher(p.matcher)
	answer := &vapAnswer{}
	var hooks []validating.PolicyHook
	for _, bound := range policies {
		hook, err := q.hook(p, bound)
		if err != nil {
			return nil, err
		}
		hooks = append(hooks, hook)
		matched, _, _, _ := policyMatcher.DefinitionMatches(p.attributes, p.interfaces,
			validating.NewValidatingAdmissionPolicyAccessor(bound.policy))
		answer.Matched = answer.Matched || matched
	}
	dispatcher := validating.NewDispatcher(p.authorizer, bindingWatcher{policyMatcher, r})
	err := dispatcher.Dispatch(ctx, p.attributes, p.interfaces, hooks)

	answer.Allowed, answer.Evaluations, answer.Warnings = err == nil, r.evaluations, r.warnings
	answer.AuditAnnotations, answer.Problems = p.attributes.annotations, p.attributes.problems
	answer.Message, answer.Reason, answer.Code = status(err)
	return answer, nil
}

func (q *vapQuestion) hook(p *prepared, bound boundPolicy) (validating.PolicyHook, error) {
	hook := validating.PolicyHook{Policy: bound.policy, Bindings: bound.bindings, Evaluator: bound.evaluator}
	kind := bound.policy.Spec.ParamKind
	if kind == nil {
		return hook, nil
	}
	version, err := schema.ParseGroupVersion(kind.APIVersion)
	if err != nil {
		return hook, fmt.Errorf("paramKind: %w", err)
	}
	hook.ParamInformer, hook.ParamScope, hook.ConfigurationError = newParams(version.WithKind(kind.Kind), q.Params, p.mapper)
	return hook, nil
}

// status takes an error of the API server apart.
func status(err error) (message, reason string, code int32) {
	if err == nil {
		return "", "", 0
	}
	var known apierrors.APIStatus
	if errors.As(err, &known) {
		s := known.Status()
		return s.Message, string(s.Reason), s.Code
	}
	return err.Error(), "", 0
}

type setAnswer struct {
	Matched int          `json:"matched"` // how many policies are about the object
	Results []*vapAnswer `json:"results"` // of those that did not admit it
}

func (q *vapQuestion) answerSet(p *prepared) (*setAnswer, error) {
	loaded, known := sets.Load(q.Set)
	if !known {
		return nil, fmt.Errorf("there is no set %q", q.Set)
	}
	answer := &setAnswer{Results: []*vapAnswer{}}
	attributes := p.attributes
	for _, bound := range loaded.([]boundPolicy) {
		p.attributes = &recordedAttributes{Attributes: attributes.Attributes, annotations: map[string]string{}}
		one, err := q.dispatch(p, bound)
		if err != nil {
			return nil, err
		}
		if one.Matched {
			answer.Matched++
		}
		if !one.Allowed || one.objects() {
			one.Policy = bound.policy.Name
			answer.Results = append(answer.Results, one)
		}
	}
	return answer, nil
}

// objects says whether a decision is against the object, which a binding that only warns lets pass all the same.
func (a *vapAnswer) objects() bool {
	for _, e := range a.Evaluations {
		for _, d := range e.Decisions {
			if d.Action == string(validating.ActionDeny) {
				return true
			}
		}
	}
	return false
}

var sets, clusters sync.Map

type boundPolicy struct {
	*compiledPolicy
	bindings []*admissionregistration.ValidatingAdmissionPolicyBinding
}

// loadQuestion keeps policies or RBAC objects under a name, for questions that ask for them by "set" and "cluster".
type loadQuestion struct {
	Name     string            `json:"name"`
	Policies []json.RawMessage `json:"policies"`
	Bindings []json.RawMessage `json:"bindings"` // a policy that none of them names gets one that denies
	RBAC     []json.RawMessage `json:"rbac"`
}

type loadAnswer struct {
	Policies int `json:"policies"`
	RBAC     int `json:"rbac"`
}

func (q *loadQuestion) answer() (any, error) {
	policies := []boundPolicy{}
	for _, raw := range q.Policies {
		c, err := compilePolicy(raw)
		if err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
		own, err := (&vapQuestion{Bindings: q.Bindings}).bindings(c.policy.Name)
		if err != nil {
			return nil, err
		}
		if len(own) == 0 {
			own = append(own, denyBinding(c.policy.Name))
		}
		policies = append(policies, boundPolicy{c, own})
	}
	sets.Store(q.Name, policies)
	if q.RBAC != nil {
		rules, err := newRBAC(q.RBAC)
		if err != nil {
			return nil, err
		}
		clusters.Store(q.Name, rules)
	}
	return loadAnswer{len(policies), len(q.RBAC)}, nil
}
