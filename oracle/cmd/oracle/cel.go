package main

import (
	"encoding/json"
	"fmt"
	"math"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/version"
	admissioncel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"
)

// celQuestion asks how an expression compiles and what it gives.
//
// Variables are JSON, read as the API server reads objects, and of type dyn. "version" chooses what a policy may use that is
// written to an API server of that compatibility version; without it everything is there that a stored policy may use. With
// "type" (validation, matchCondition, message, variable, auditAnnotation) the expression is compiled as that part of a policy,
// with the variables and the result types that it has there; the variables then give its values.
type celQuestion struct {
	Expression string          `json:"expression"`
	Variables  json.RawMessage `json:"variables"`
	Type       string          `json:"type"`
	Version    string          `json:"version"`
	Limit      uint64          `json:"limit"` // cost that is allowed; upstream's limit for one call where it is 0
}

type celAnswer struct {
	Issues     string    `json:"issues,omitempty"` // why it does not compile
	OutputType string    `json:"outputType,omitempty"`
	Kind       string    `json:"kind,omitempty"` // the value's type
	Value      any       `json:"value,omitempty"`
	Text       string    `json:"text,omitempty"`  // the value as CEL would write it
	Exact      any       `json:"exact,omitempty"` // the value as cel.expr.Value
	Error      string    `json:"evaluationError,omitempty"`
	Cost       *uint64   `json:"cost,omitempty"`
	Estimate   *estimate `json:"estimate,omitempty"` // of the cost, without knowing sizes
}

type estimate struct {
	Min uint64 `json:"min"`
	Max uint64 `json:"max"`
}

func (q *celQuestion) answer() (any, error) {
	set, mode, err := environmentOf(q.Version)
	if err != nil {
		return nil, err
	}
	variables := map[string]any{}
	if !absent(q.Variables) {
		if err := utiljson.Unmarshal(q.Variables, &variables); err != nil {
			return nil, fmt.Errorf("variables: %w", err)
		}
	}
	if q.Type != "" {
		return q.answerPart(set, mode, variables)
	}
	base, err := set.Env(mode)
	if err != nil {
		return nil, err
	}
	options := []cel.EnvOption{}
	for name := range variables {
		options = append(options, cel.Variable(name, cel.DynType))
	}
	env, err := base.Extend(options...)
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(q.Expression)
	if issues.Err() != nil {
		return celAnswer{Issues: issues.String()}, nil
	}
	answer := celAnswer{OutputType: ast.OutputType().String()}
	if cost, err := env.EstimateCost(ast, &library.CostEstimator{}); err == nil {
		answer.Estimate = &estimate{cost.Min, cost.Max}
	}
	program := []cel.ProgramOption{}
	if q.Limit > 0 {
		program = append(program, cel.CostLimit(q.Limit))
	}
	runnable, err := env.Program(ast, program...)
	if err != nil {
		answer.Issues = err.Error()
		return answer, nil
	}
	answer.evaluate(runnable, variables)
	return answer, nil
}

func (a *celAnswer) evaluate(program cel.Program, variables map[string]any) {
	value, details, err := program.Eval(variables)
	if details != nil {
		a.Cost = details.ActualCost()
	}
	if err != nil {
		a.Error = err.Error()
		return
	}
	a.Kind = value.Type().TypeName()
	a.Value = asJSON(value)
	a.Text = types.Format(value)
	a.Exact = exact(value)
}

func environmentOf(text string) (*environment.EnvSet, environment.Type, error) {
	if text == "" {
		return environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()), environment.StoredExpressions, nil
	}
	wanted, err := version.ParseGeneric(text)
	if err != nil {
		return nil, "", err
	}
	return environment.MustBaseEnvSet(wanted), environment.NewExpressions, nil
}

// part is how a part of a policy is compiled.
type part struct {
	accessor   func(expression string) admissioncel.ExpressionAccessor
	authorizer bool
}

var parts = map[string]part{
	"validation": {func(e string) admissioncel.ExpressionAccessor { return &validating.ValidationCondition{Expression: e} }, true},
	"matchCondition": {func(e string) admissioncel.ExpressionAccessor {
		return &matchconditions.MatchCondition{Expression: e}
	}, true},
	"message": {func(e string) admissioncel.ExpressionAccessor {
		return &validating.MessageExpressionCondition{MessageExpression: e}
	}, false},
	"variable": {func(e string) admissioncel.ExpressionAccessor { return &validating.Variable{Name: "v", Expression: e} }, true},
	"auditAnnotation": {func(e string) admissioncel.ExpressionAccessor {
		return &validating.AuditAnnotationCondition{ValueExpression: e}
	}, true},
}

var compilers sync.Map // by version

func (q *celQuestion) answerPart(set *environment.EnvSet, mode environment.Type, variables map[string]any) (any, error) {
	part, known := parts[q.Type]
	if !known {
		return nil, fmt.Errorf("there is no part %q of a policy", q.Type)
	}
	compiler, known := compilers.Load(q.Version)
	if !known {
		compiler, _ = compilers.LoadOrStore(q.Version, admissioncel.NewCompiler(set))
	}
	result := compiler.(admissioncel.Compiler).CompileCELExpression(part.accessor(q.Expression),
		admissioncel.OptionalVariableDeclarations{HasParams: true, HasAuthorizer: part.authorizer}, mode)
	if result.Error != nil {
		return celAnswer{Issues: result.Error.Detail}, nil
	}
	answer := celAnswer{OutputType: result.OutputType.String()}
	if !absent(q.Variables) {
		answer.evaluate(result.Program, variables)
	}
	return answer, nil
}

// asJSON gives a value as JSON where that is possible without loss, else as text.
func asJSON(value ref.Val) any {
	switch v := value.(type) {
	case types.Bool:
		return bool(v)
	case types.Int:
		return int64(v)
	case types.Uint:
		return uint64(v)
	case types.String:
		return string(v)
	case types.Null:
		return json.RawMessage("null")
	case types.Double:
		if f := float64(v); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
		return fmt.Sprint(float64(v))
	case types.Bytes:
		return []byte(v)
	case *types.Optional:
		if !v.HasValue() {
			return nil
		}
		return asJSON(v.GetValue())
	case traits.Mapper:
		entries := map[string]any{}
		for i := v.Iterator(); i.HasNext() == types.True; {
			key := i.Next()
			name, is := key.(types.String)
			if !is {
				name = types.String(types.Format(key))
			}
			entries[string(name)] = asJSON(v.Get(key))
		}
		return entries
	case traits.Lister:
		items := []any{}
		for i := v.Iterator(); i.HasNext() == types.True; {
			items = append(items, asJSON(i.Next()))
		}
		return items
	}
	return types.Format(value)
}
