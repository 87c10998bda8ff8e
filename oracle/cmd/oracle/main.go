// Command oracle answers questions with Kubernetes' own code: one JSON object a line in, one JSON object a line out.
//
// Each question has one field that names it: {"cel":{...}}, {"vap":{...}} and so on; the type behind each is described where
// it is declared. A field "id" is given back with the answer. What went wrong is in the answer's "error"; the program itself
// goes on. Answers come in the order of the questions although several are worked on at once; a "load" takes effect before
// the next question is looked at.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"k8s.io/klog/v2"
)

// question is one line of input.
type question struct {
	ID        json.RawMessage    `json:"id"`
	CEL       *celQuestion       `json:"cel"`
	Functions *functionsQuestion `json:"functions"`
	VAP       *vapQuestion       `json:"vap"`
	MAP       *mapQuestion       `json:"map"`
	PSS       *pssQuestion       `json:"pss"`
	RBAC      *rbacQuestion      `json:"rbac"`
	Decode    *decodeQuestion    `json:"decode"`
	Validate  *validateQuestion  `json:"validate"`
	TypeCheck *typeCheckQuestion `json:"typecheck"`
	Schema    *schemaQuestion    `json:"schema"`
	Estimate  *estimateQuestion  `json:"estimate"`
	Load      *loadQuestion      `json:"load"`
	Bench     *benchQuestion     `json:"bench"`
	YAML      *string            `json:"yaml"`
}

// failure is the answer to a question that could not be asked.
type failure struct {
	Error string `json:"error"`
}

func (q *question) answer() (any, error) {
	switch {
	case q.CEL != nil:
		return q.CEL.answer()
	case q.Functions != nil:
		return q.Functions.answer()
	case q.VAP != nil:
		return q.VAP.answer()
	case q.MAP != nil:
		return q.MAP.answer()
	case q.PSS != nil:
		return q.PSS.answer()
	case q.RBAC != nil:
		return q.RBAC.answer()
	case q.Decode != nil:
		return q.Decode.answer()
	case q.Validate != nil:
		return q.Validate.answer()
	case q.TypeCheck != nil:
		return q.TypeCheck.answer()
	case q.Schema != nil:
		return q.Schema.answer()
	case q.Estimate != nil:
		return q.Estimate.answer()
	case q.Load != nil:
		return q.Load.answer()
	case q.Bench != nil:
		return q.Bench.answer()
	case q.YAML != nil:
		return answerYAML(*q.YAML)
	}
	return nil, errors.New("no question that is known")
}

// ask answers one question; a panic in the code under question is an answer, too.
func ask(q *question) (line []byte) {
	defer func() {
		if problem := recover(); problem != nil {
			fmt.Fprintf(os.Stderr, "oracle: panic: %v\n%s", problem, debug.Stack())
			line = encode(q.ID, failure{fmt.Sprintf("panic: %v", problem)})
		}
	}()
	answer, err := q.answer()
	if err != nil {
		answer = failure{err.Error()}
	}
	return encode(q.ID, answer)
}

func encode(id json.RawMessage, answer any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer); err != nil {
		buffer.Reset()
		_ = encoder.Encode(failure{"the answer has no JSON: " + err.Error()})
	}
	if len(id) == 0 {
		return buffer.Bytes()
	}
	rest := buffer.Bytes()[1:]
	if rest[0] != '}' {
		rest = append([]byte{','}, rest...)
	}
	return append(append([]byte(`{"id":`), id...), rest...)
}

// read hands every question to a worker and puts its future answer into the queue, in order.
func read(in io.Reader, queue chan<- chan []byte) error {
	defer close(queue)
	reader := bufio.NewReaderSize(in, 1<<20)
	for {
		line, err := reader.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			future := make(chan []byte, 1)
			queue <- future
			q := &question{}
			if problem := json.Unmarshal(line, q); problem != nil {
				future <- encode(q.ID, failure{"bad question: " + problem.Error()})
			} else if q.Load != nil {
				future <- ask(q)
			} else {
				go func() { future <- ask(q) }()
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func main() {
	jobs := flag.Int("j", runtime.NumCPU(), "how many questions are worked on at once")
	klog.InitFlags(nil)
	_ = flag.Set("logtostderr", "false")
	_ = flag.Set("stderrthreshold", "FATAL")
	flag.Parse()
	klog.SetOutput(io.Discard)

	debug.SetGCPercent(400) // much is allocated and little kept

	queue := make(chan chan []byte, max(*jobs-1, 0))
	failed := make(chan error, 1)
	go func() { failed <- read(os.Stdin, queue) }()
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	for future := range queue {
		_, _ = out.Write(<-future)
		// A program that asks one question at a time waits for its answer.
		if len(queue) == 0 {
			_ = out.Flush()
		}
	}
	if err := errors.Join(<-failed, out.Flush()); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}
