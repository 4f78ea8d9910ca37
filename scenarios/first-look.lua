-- The smallest drill: two regions, nothing heavy, under a minute. A good file to copy for a first scenario of your own.
return drill {
  title      = "Lose the first region of the light topology",
  why        = "To see what a drill is.",
  usual      = "30s",
  topology   = "topologies/two-region.yaml",
  load       = { rate = "200/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "5s" },
  objectives = { "rto <= 20s" },

  run = function(d)
    d:steady "3s"
    local dark <close> = d:inject(fault.blackhole { region = "us-east" })
    d:await_recovery { within = "30s" }
    dark:revert()
    d:await_recovery { within = "30s" }
  end,
}
