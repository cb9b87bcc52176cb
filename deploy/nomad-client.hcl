# A stock Nomad client agent of this stack. See docs/client-agents.md.
data_dir  = "/var/lib/nomad"
bind_addr = "0.0.0.0"

client {
  enabled = true
  servers = ["server-1:4647", "server-2:4647", "server-3:4647"]
}

telemetry {
  publish_allocation_metrics = true
}
