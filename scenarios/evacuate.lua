-- Leave a region on purpose, and come back: maintenance, a storm warning, a bad feeling.
--
-- Nothing is broken here until nobody depends on it any more. DNS is told not to answer with us-east (the routing control of an application
-- recovery controller); its gateways ask clients that hold a connection to come again, since a connection that works does not look at DNS;
-- the store's primary is moved to us-west. Then us-east is switched off, and nobody may notice. On the way back users come first, and the
-- primary follows when us-west has no users any more: whoever is in the region whose primary steps down has nothing to read from meanwhile.
--
-- Each change is proven and undone like a fault: whatever stops this drill, the newest is taken back first.
--
--   drill scenarios/evacuate.lua
--   drill scenarios/evacuate.lua --set patience=0     backends that let no request wait for a store: a planned switchover is an outage
return drill {
  title      = "Evacuate us-east, and come back",
  why        = "A region that can be left without loss can be maintained, and left early when it begins to fail.",
  usual      = "105s",
  topology   = "topologies/evacuation.yaml",
  settings   = { patience = "6000" }, -- within the 8 s that clients wait, as a backend does that retries
  load       = { rate = "300/s", writes = "30%", deadline = "8s" },
  measure    = { hold = "5s" },
  objectives = { "failed <= 0", "lost <= 0", "share of us-east <= 0% during blackhole", "share of us-east >= 99% during steady" },

  run = function(d)
    d:steady "15s"

    local routing <close> = d:inject(fault.change { control = "routing us-east", set = "off" })
    d:wait "5s" -- longer than DNS needs: those who hold a connection stay
    local drain <close> = d:inject(fault.change { control = "drain us-east", set = "on" })
    d:wait "3s"
    local primary <close> = d:inject(fault.change { control = "primary", set = "us-west" })
    d:await_recovery { within = "30s" }

    local off <close> = d:inject(fault.blackhole { region = "us-east" })
    d:wait "10s"
    off:revert()
    d:await_recovery { within = "30s" }

    drain:revert()
    routing:revert()
    local west <close> = d:inject(fault.change { control = "drain us-west", set = "on" })
    d:wait "3s"
    primary:revert()
    west:revert()
    d:await_recovery { within = "30s" }
  end,
}
