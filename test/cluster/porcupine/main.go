// Checks that the history of each deployment is linearizable: reads JSON from standard input, prints a line for each history that is not.
//
// The log says in which order the versions of a deployment were committed. What is to be shown is that this order agrees with real time as the
// clients saw it: there is a point between each request and its answer at which the deployment was in the version that the answer speaks of.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/anishathalye/porcupine"
)

// Version is the deployment after a commit.
type Version struct {
	Index  int64  `json:"index"`
	Status string `json:"status"`
}

// Op is one request. Kind "write" made the commit with this index, which need not have changed the deployment itself (its allocations only);
// "read" saw the version with this index; "ended" was refused because the deployment had ended. Done 0 means that no answer came.
type Op struct {
	Client int    `json:"client"`
	Kind   string `json:"kind"`
	Index  int64  `json:"index"`
	Status string `json:"status"`
	Call   int64  `json:"call"`
	Done   int64  `json:"done"`
}

// History is all that happened to one deployment.
type History struct {
	ID       string    `json:"id"`
	Versions []Version `json:"versions"`
	Ops      []Op      `json:"ops"`
}

var terminal = map[string]bool{"failed": true, "successful": true, "cancelled": true}

// The state is the number of versions that were committed.
func modelOf(versions []Version) porcupine.Model {
	return porcupine.Model{
		Init: func() interface{} { return 0 },
		Step: func(state, input, output interface{}) (bool, interface{}) {
			at, op := state.(int), input.(Op)
			switch op.Kind {
			case "write":
				return at < len(versions) && versions[at].Index == op.Index, at + 1
			case "beside":
				return at > 0 && versions[at-1].Index < op.Index && (at == len(versions) || op.Index < versions[at].Index), at
			case "read":
				return at > 0 && versions[at-1].Index == op.Index && versions[at-1].Status == op.Status, at
			default:
				return at > 0 && terminal[versions[at-1].Status], at
			}
		},
		DescribeOperation: func(input, _ interface{}) string { return fmt.Sprintf("%+v", input) },
	}
}

func check(history History) porcupine.CheckResult {
	known, made := map[int64]bool{}, map[int64]bool{}
	for _, version := range history.Versions {
		made[version.Index] = true
	}
	ops := []porcupine.Operation{}
	add := func(op Op) {
		done := op.Done
		if done == 0 {
			done = math.MaxInt64
		}
		ops = append(ops, porcupine.Operation{ClientId: op.Client, Input: op, Call: op.Call, Return: done})
	}
	for _, op := range history.Ops {
		if op.Kind == "write" {
			known[op.Index] = true
			if !made[op.Index] {
				op.Kind = "beside"
			}
		}
		add(op)
	}
	// What the scheduler and others have written: at any time, as far as clients know.
	for _, version := range history.Versions {
		if !known[version.Index] {
			add(Op{Client: 0, Kind: "write", Index: version.Index})
		}
	}
	return porcupine.CheckOperationsTimeout(modelOf(history.Versions), ops, time.Minute)
}

func main() {
	var histories []History
	if err := json.NewDecoder(os.Stdin).Decode(&histories); err != nil {
		fmt.Println("the input cannot be read:", err)
		os.Exit(2)
	}
	bad := 0
	for _, history := range histories {
		if result := check(history); result != porcupine.Ok {
			bad++
			fmt.Printf("deployment %s: %s\n", history.ID, result)
		}
	}
	if bad > 0 {
		os.Exit(1)
	}
}
