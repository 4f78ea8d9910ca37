-- What a balancer's algorithm does with backends that die, slow down, hang and flap: who gets how many requests, who stays where he was, and
-- what each fault costs.
--
-- Two hundred users, each with an address and cookies of his own, ask one gateway before four backends. One backend after the other is hit,
-- with time between to settle. The objectives are the same for every algorithm, so that reports can be laid side by side: no stock
-- configuration meets them all, and which ones it misses is the answer.
--
--   drill scenarios/load-balancing.lua
--   drill scenarios/load-balancing.lua --set algorithm=leastconn --set proxy=nginx
--   drill scenarios/load-balancing.lua --set algorithm=consistent --set tuning=tuned
return drill {
  title      = "Hit one backend after another behind a balancer",
  why        = "An algorithm is chosen for good days and pays on bad ones.",
  usual      = "75s",
  topology   = "topologies/load-balanced.yaml",
  load       = { rate = "300/s", writes = "0%", deadline = "1s", sessions = 200 },
  measure    = { hold = "5s" }, -- as long as HAProxy takes to have a server back: two checks, 2 s apart
  objectives = {
    "share of app1 >= 15% during steady", "moved <= 0 during steady",
    "failed <= 1% during kill", "moved <= 35% during kill",
    "p95 <= 200ms during delay",
    "failed <= 1% during hang", "failed <= 1% during flap",
  },

  run = function(d)
    local hits = {
      function() return d:inject(fault.kill { service = "app@us-east-app1" }) end,
      function() return d:inject(fault.delay { host = "us-east-app2", by = "100ms" }) end,
      function() return d:inject(fault.hang { service = "app@us-east-app3" }) end,
      function() return d:inject(fault.flap { host = "us-east-app4", period = "4s" }) end,
    }
    d:steady "5s"
    for _, hit in ipairs(hits) do
      local broken <close> = hit()
      d:wait "10s"
      broken:revert()
      d:await_recovery { within = "30s" }
    end
  end,
}
