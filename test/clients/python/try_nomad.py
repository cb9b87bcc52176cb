"""Tries python-nomad against a server. NOMAD_PORT says where it is."""

import os
import sys
import time

import nomad

client = nomad.Nomad(host="127.0.0.1", port=int(os.environ["NOMAD_PORT"]))


def demand(what, holds, detail=""):
    print(f"{'ok    ' if holds else 'FAILED'} {what}{'' if holds else f': {detail}'}", flush=True)
    if not holds:
        sys.exit(1)


def until(what, attempt):
    end = time.time() + 30
    while time.time() < end:
        if attempt():
            return demand(what, True)
        time.sleep(0.05)
    demand(what, False, "not within 30 s")


JOB = {
    "Job": {
        "ID": "snake",
        "Name": "snake",
        "Type": "service",
        "Datacenters": ["dc1"],
        "Update": {"MinHealthyTime": 1000000, "HealthCheck": "task_states"},
        "TaskGroups": [
            {
                "Name": "app",
                "Count": 1,
                "Tasks": [{"Name": "main", "Driver": "mock_driver", "Config": {"run_for": "10m"}}],
            }
        ],
    }
}

client.namespace.create_namespace({"Name": "python", "Description": "of the Python client"})
demand("a namespace is made", client.namespace.get_namespace("python")["Description"] == "of the Python client")
demand("namespaces are listed", "python" in [one["Name"] for one in client.namespaces.get_namespaces()])
client.namespace.delete_namespace("python")
demand("a namespace is deleted", "python" not in [one["Name"] for one in client.namespaces.get_namespaces()])

stream, stop, events = client.event.stream.get_stream(index=1, topic={"Job": "snake"})
stream.start()
registered = client.job.register_job("snake", JOB)
demand("a job is registered", registered["EvalID"] != "")
frame = events.get(timeout=30)
demand("the event stream tells of it", frame["Events"][0]["Type"] == "JobRegistered", frame)
demand("at its index", frame["Index"] == registered["JobModifyIndex"], frame["Index"])
stop.set()
until("its deployment succeeds", lambda: client.job.get_deployment("snake")["Status"] == "successful")
demand("deployments are listed", any(one["JobID"] == "snake" for one in client.deployments.get_deployments()))
allocations = client.job.get_allocations("snake")
demand("an allocation runs", [one["ClientStatus"] for one in allocations] == ["running"], allocations)
demand("search finds the job", client.search.search("sna", "jobs")["Matches"]["jobs"] == ["snake"])
fuzzy = client.search.fuzzy_search("nake", "jobs")["Matches"]["jobs"]
demand("fuzzy search does, too", [one["ID"] for one in fuzzy] == ["snake"], fuzzy)
client.job.deregister_job("snake", purge=True)
demand("a job is purged", "snake" not in [one["ID"] for one in client.jobs.get_jobs()])
