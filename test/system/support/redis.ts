/** What it was told while it was warmed up is in its memory alone: a cold start does not know it. */
export const redis = `
name    = "redis"
program = "/usr/bin/redis-server"
args    = ["--port", "7379", "--save", ""]
cwd     = "/"

[warmup]
until   = { port = 7379 }
run     = ["redis-cli -p 7379 set color blue"]
settle  = "200ms"
timeout = "120s"

[inputs]
ignore_machine = ["cpus", "memory"] # Others than those of the guest that builds.

[launch]
env     = "image" # It copies its environment at start, and a shell's is another one.
`;
