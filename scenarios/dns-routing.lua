-- Where DNS sends users, before, during and after the loss of a region.
--
-- Six clients in three networks, two beside each region, ask a real DNS server that routes by one of four policies, and every request goes
-- to the newest answer. Then all machines of us-east go dark; its users are still there and have to be sent elsewhere. What is judged is
-- whether the traffic was shared out as it was configured: in the steady state, while the region is dark, and after it has come back.
--
--   drill scenarios/dns-routing.lua                          failover: everybody to us-east, else to us-west
--   drill scenarios/dns-routing.lua --set policy=weighted    by chance, 60:30:10, else 75:25
--   drill scenarios/dns-routing.lua --set policy=geo         by where users are: theirs, else the one in the same country
--   drill scenarios/dns-routing.lua --set policy=latency     by measured latency: the nearest, else the next nearest
--
-- The store's primary is in eu-west, so this is a matter of routing alone. A share by chance is only as exact as there were answers: six
-- clients ask once a second, so in twenty seconds 60 % come out as 46 % to 74 % (three standard deviations), which is what is allowed.
--
-- With gdnsd's own default, up_thresh=0.5, the policy weighted fails: less than half of all weight is left when the heaviest region is
-- gone, and then it answers as if all were well.
return drill {
  title      = "Lose us-east, routed by DNS",
  why        = "A routing policy is a promise about where users go; an outage is when it is kept or not.",
  usual      = "90s",
  topology   = "topologies/dns-routing.yaml",
  load       = { rate = "300/s", writes = "10%", deadline = "1s", connections = "new" },
  measure    = { hold = "10s" },
  objectives = { "rto <= 20s", "lost <= 0", "share of us-east <= 0% during blackhole after recovery" },
  cases      = {
    policy = {
      failover = {
        "share of us-east >= 100% during steady",
        "share of us-west >= 100% during blackhole after recovery",
        -- it takes DNS some of these seconds to believe that it is back
        "share of us-east >= 70% after blackhole", "share of us-west <= 30% after blackhole", "share of eu-west <= 0% after blackhole",
      },
      weighted = {
        "share of us-east >= 46% during steady", "share of us-east <= 74% during steady",
        "share of us-west >= 17% during steady", "share of us-west <= 43% during steady",
        "share of eu-west >= 1% during steady", "share of eu-west <= 19% during steady",
        "share of us-west >= 62% during blackhole after recovery", "share of us-west <= 88% during blackhole after recovery",
        "share of us-east >= 30% after blackhole", "share of us-east <= 74% after blackhole",
        "share of us-west >= 17% after blackhole", "share of us-west <= 57% after blackhole",
        "share of eu-west >= 1% after blackhole", "share of eu-west <= 25% after blackhole",
      },
      geo = {
        "share of us-east >= 33% during steady", "share of us-west >= 33% during steady", "share of eu-west >= 33% during steady",
        "share of us-west >= 66% during blackhole after recovery",
        "share of us-east >= 23% after blackhole", "share of us-west <= 44% after blackhole", "share of eu-west >= 33% after blackhole",
      },
      latency = {
        "share of us-east >= 33% during steady", "share of us-west >= 33% during steady", "share of eu-west >= 33% during steady",
        "share of eu-west >= 66% during blackhole after recovery",
        "share of us-east >= 23% after blackhole", "share of eu-west <= 44% after blackhole", "share of us-west >= 33% after blackhole",
      },
    },
  },

  run = function(d)
    d:steady "20s"
    local dark <close> = d:inject(fault.blackhole {
      host = { "us-east-gw1", "us-east-gw2", "us-east-app1", "us-east-app2", "us-east-db" }
    })
    d:await_recovery { within = "30s" }
    d:wait "10s"
    dark:revert()
    d:await_recovery { within = "30s" }
    d:wait "20s"
  end,
}
