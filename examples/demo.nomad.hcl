# The job of examples/demo.json, for the `nomad` command line.
job "demo" {
  type        = "service"
  datacenters = ["*"]

  update {
    max_parallel      = 2
    health_check      = "task_states"
    min_healthy_time  = "1s"
    healthy_deadline  = "20s"
    progress_deadline = "30s"
    auto_revert       = true
  }

  group "web" {
    count = 4

    ephemeral_disk {
      size = 10
    }

    task "server" {
      driver       = "mock_driver"
      kill_timeout = "1s"

      config {
        run_for = "24h"
      }

      logs {
        max_files     = 1
        max_file_size = 1
      }

      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
