package main

import (
	"encoding/json"
	"reflect"
	"unsafe"

	"github.com/google/cel-go/cel"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	admissioncel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"
)

// estimateQuestion asks what the expressions of a policy may cost, as upstream estimates it where it asks for estimates.
type estimateQuestion struct {
	Policy json.RawMessage `json:"policy"`
}

// estimateAnswer has one estimate for each expression, null where it does not compile or there is none.
type estimateAnswer struct {
	Variables        []*estimate `json:"variables"`
	MatchConditions  []*estimate `json:"matchConditions"`
	Validations      []*estimate `json:"validations"`
	Messages         []*estimate `json:"messages"`
	AuditAnnotations []*estimate `json:"auditAnnotations"`
}

//go:linkname createEnvironment k8s.io/apiserver/pkg/admission/plugin/cel.createEnvForOpts
func createEnvironment(base *environment.EnvSet, namespace, request *apiservercel.DeclType,
	options admissioncel.OptionalVariableDeclarations) (*environment.EnvSet, error)

// variablesOf gives the environment in which COMPILER knows the variables that it has compiled so far.
func variablesOf(compiler *admissioncel.CompositedCompiler) *environment.EnvSet {
	state := reflect.ValueOf(compiler).Elem().FieldByName("state").Elem()
	return *(**environment.EnvSet)(unsafe.Pointer(state.FieldByName("EnvSet").UnsafeAddr()))
}

func estimateOf(set *environment.EnvSet, expression string) *estimate {
	env, err := set.Env(environment.StoredExpressions)
	if err != nil {
		return nil
	}
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		return nil
	}
	if _, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize)); err != nil {
		return nil
	}
	cost, err := env.EstimateCost(ast, &library.CostEstimator{})
	if err != nil {
		return nil
	}
	return &estimate{cost.Min, cost.Max}
}

func (q *estimateQuestion) answer() (any, error) {
	policy := &admissionregistration.ValidatingAdmissionPolicy{}
	if err := decodeInto(q.Policy, policy); err != nil {
		return nil, err
	}
	compiler, err := admissioncel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		return nil, err
	}
	options := admissioncel.OptionalVariableDeclarations{HasParams: policy.Spec.ParamKind != nil, HasAuthorizer: true}
	set, err := createEnvironment(variablesOf(compiler), admissioncel.BuildNamespaceType(), admissioncel.BuildRequestType(), options)
	if err != nil {
		return nil, err
	}
	answer := &estimateAnswer{}
	for _, v := range policy.Spec.Variables {
		answer.Variables = append(answer.Variables, estimateOf(set, v.Expression))
		compiler.CompileAndStoreVariable(&validating.Variable{Name: v.Name, Expression: v.Expression}, options,
			environment.StoredExpressions)
	}
	for _, c := range policy.Spec.MatchConditions {
		answer.MatchConditions = append(answer.MatchConditions, estimateOf(set, c.Expression))
	}
	for _, v := range policy.Spec.Validations {
		answer.Validations = append(answer.Validations, estimateOf(set, v.Expression))
		var message *estimate
		if v.MessageExpression != "" {
			message = estimateOf(set, v.MessageExpression)
		}
		answer.Messages = append(answer.Messages, message)
	}
	for _, a := range policy.Spec.AuditAnnotations {
		answer.AuditAnnotations = append(answer.AuditAnnotations, estimateOf(set, a.ValueExpression))
	}
	return answer, nil
}
