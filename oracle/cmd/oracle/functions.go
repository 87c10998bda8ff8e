package main

import (
	"sort"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// functionsQuestion asks which functions expressions may call that are written to an API server of a compatibility version;
// without one, those that a stored policy may call.
type functionsQuestion struct {
	Version string `json:"version"`
}

type functionsAnswer struct {
	Overloads []overload `json:"overloads"` // in the order of their functions' names
	Macros    []string   `json:"macros"`    // cel-go's keys: name, number of arguments, whether it has a receiver
}

type overload struct {
	Name   string   `json:"name"`
	Method bool     `json:"method"`
	Params []string `json:"params"` // the receiver first
	Result string   `json:"result"`
}

func (q *functionsQuestion) answer() (any, error) {
	set, mode, err := environmentOf(q.Version)
	if err != nil {
		return nil, err
	}
	env, err := set.Env(mode)
	if err != nil {
		return nil, err
	}
	answer := functionsAnswer{}
	for name, function := range env.Functions() {
		for _, declared := range function.OverloadDecls() {
			params := []string{}
			for _, param := range declared.ArgTypes() {
				params = append(params, typeText(param))
			}
			answer.Overloads = append(answer.Overloads,
				overload{name, declared.IsMemberFunction(), params, typeText(declared.ResultType())})
		}
	}
	sort.SliceStable(answer.Overloads, func(i, j int) bool { return answer.Overloads[i].Name < answer.Overloads[j].Name })
	for _, macro := range env.Macros() {
		answer.Macros = append(answer.Macros, macro.MacroKey())
	}
	sort.Strings(answer.Macros)
	return answer, nil
}

func typeText(t *types.Type) string {
	return cel.FormatCELType(t)
}
