package main

import (
	"encoding/json"
	"sync"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/kubernetes/pkg/generated/openapi"
	"sigs.k8s.io/yaml"
)

// typeCheckQuestion asks for the warnings that the controller manager would write to a policy's status.typeChecking.
type typeCheckQuestion struct {
	Policy json.RawMessage `json:"policy"`
	Kinds  []customKind    `json:"kinds"`
}

type typeCheckAnswer struct {
	Warnings []admissionregistration.ExpressionWarning `json:"warnings"`
}

var schemas = sync.OnceValue(func() resolver.SchemaResolver {
	return resolver.NewDefinitionsSchemaResolver(openapi.GetOpenAPIDefinitions, scheme)
})

func (q *typeCheckQuestion) answer() (any, error) {
	policy := &admissionregistration.ValidatingAdmissionPolicy{}
	if err := decodeInto(q.Policy, policy); err != nil {
		return nil, err
	}
	checker := &validating.TypeChecker{SchemaResolver: schemas(), RestMapper: mapperWith(q.Kinds)}
	warnings := checker.Check(policy)
	if warnings == nil {
		warnings = []admissionregistration.ExpressionWarning{}
	}
	return typeCheckAnswer{warnings}, nil
}

type yamlAnswer struct {
	JSON json.RawMessage `json:"json"`
}

// answerYAML gives what the API server's clients make of a YAML document.
func answerYAML(text string) (any, error) {
	converted, err := yaml.YAMLToJSON([]byte(text))
	return yamlAnswer{converted}, err
}
