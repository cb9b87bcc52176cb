// Tries Nomad's own Go client against a server. NOMAD_ADDR says where it is. Whoever runs it kills and restarts that server when the program
// says "kill", and then sends a line. ROLLBOOK_ACL_ADDR, if given, is a fresh server with access control.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/nomad/api"
)

func check(what string, err error) {
	if err != nil {
		fmt.Printf("FAILED %s: %v\n", what, err)
		os.Exit(1)
	}
	fmt.Printf("ok     %s\n", what)
}

func demand(what string, holds bool, detail any) {
	if !holds {
		check(what, fmt.Errorf("%v", detail))
	}
	check(what, nil)
}

func until(what string, attempt func() bool) {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if attempt() {
			check(what, nil)
			return
		}
	}
	check(what, fmt.Errorf("not within 30 s"))
}

func job(id, namespace string) *api.Job {
	job := api.NewServiceJob(id, id, "global", 50).AddDatacenter("dc1")
	job.Namespace = &namespace
	task := api.NewTask("main", "mock_driver").SetConfig("run_for", "10m")
	cpu, memory := 20, 16
	task.Require(&api.Resources{CPU: &cpu, MemoryMB: &memory})
	healthy := time.Millisecond
	checks := "task_states"
	job.Update = &api.UpdateStrategy{MinHealthyTime: &healthy, HealthCheck: &checks}
	return job.AddTaskGroup(api.NewTaskGroup("app", 1).AddTask(task))
}

// follow collects every commit from an index on until the stream ends or `last` was seen.
func follow(client *api.Client, from, last uint64, seen map[uint64]int) uint64 {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	stream, err := client.EventStream().Stream(ctx, map[api.Topic][]string{api.TopicAll: {"*"}}, from, &api.QueryOptions{Namespace: "*"})
	if err != nil {
		return from
	}
	for events := range stream {
		if events.Err != nil {
			return from
		}
		if events.IsHeartbeat() {
			continue
		}
		seen[events.Index]++
		from = events.Index + 1
		if events.Index >= last {
			return from
		}
	}
	return from
}

func main() {
	if address := os.Getenv("ROLLBOOK_ACL_ADDR"); address != "" {
		tryAccessControl(address)
	}
	client, err := api.NewClient(api.DefaultConfig())
	check("a client", err)

	_, err = client.Namespaces().Register(&api.Namespace{Name: "go", Description: "of the Go client"}, nil)
	check("a namespace is made", err)
	spaces, _, err := client.Namespaces().List(nil)
	check("namespaces are listed", err)
	demand("both are there", len(spaces) == 2, spaces)
	_, err = client.NodePools().Register(&api.NodePool{Name: "go", NodeIdentityTTL: time.Hour}, nil)
	check("a node pool is made", err)
	pool, _, err := client.NodePools().Info("go", nil)
	check("a node pool is read", err)
	demand("with what was said", pool.NodeIdentityTTL == time.Hour, pool.NodeIdentityTTL)

	in := &api.WriteOptions{Namespace: "go"}
	query := &api.QueryOptions{Namespace: "go"}
	registered, _, err := client.Jobs().Register(job("web", "go"), in)
	check("a job is registered", err)
	until("its deployment succeeds", func() bool {
		deployment, _, err := client.Jobs().LatestDeployment("web", query)
		return err == nil && deployment != nil && deployment.Status == "successful"
	})
	allocs, _, err := client.Jobs().Allocations("web", false, query)
	check("its allocations are listed", err)
	demand("one runs", len(allocs) == 1 && allocs[0].ClientStatus == "running", allocs)
	_, _, err = client.Allocations().Info(allocs[0].ID, query)
	check("an allocation is read", err)

	found, _, err := client.Search().PrefixSearch("we", "jobs", query)
	check("search by prefix", err)
	demand("finds the job", len(found.Matches["jobs"]) == 1, found)
	fuzzy, _, err := client.Search().FuzzySearch("eb", "jobs", query)
	check("fuzzy search", err)
	demand("finds the job, too", len(fuzzy.Matches["jobs"]) == 1, fuzzy)

	seen := map[uint64]int{}
	next := follow(client, registered.JobModifyIndex, registered.JobModifyIndex, seen)
	demand("the event stream begins where it is asked to", seen[registered.JobModifyIndex] == 1, seen)
	fmt.Println("kill")
	bufio.NewReader(os.Stdin).ReadString('\n')
	_, meta, err := client.Jobs().Deregister("web", true, in)
	check("a job is purged", err)
	for end := time.Now().Add(30 * time.Second); next <= meta.LastIndex && time.Now().Before(end); {
		next = follow(client, next, meta.LastIndex, seen)
	}
	demand("the stream goes on after a kill", next > meta.LastIndex, next)
	for index, times := range seen {
		demand(fmt.Sprintf("commit %d came once", index), times == 1, times)
	}
	until("a namespace is deleted", func() bool {
		_, err := client.Namespaces().Delete("go", nil)
		return err == nil
	})
}
