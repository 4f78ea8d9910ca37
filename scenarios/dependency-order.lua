-- What depends on something fails over after it: the store first, then the backends that write to it, then DNS, which brings the users.
--
-- us-east goes dark, as in region-outage.lua. The store has failed over when a replica is promoted, the backends when one of them would write
-- to a store in another region, the gateways when DNS answers with those of another region. Users who arrive before the store is ready
-- meet gateways and backends that are well and can write nowhere.
--
-- Expected to FAIL with DNS as it is (three failed checks): it is quicker than the store. With seven it waits long enough. What that costs is
-- reads, which us-west could have served all the time.
--
--   drill scenarios/dependency-order.lua
--   drill scenarios/dependency-order.lua --set checks=7      DNS waits for the store
return drill {
  title      = "Store, backend and DNS fail over in this order",
  why        = "A layer that fails over before what it depends on sends users to where nothing works yet.",
  usual      = "45s",
  topology   = "topologies/dependency-order.yaml",
  load       = { rate = "200/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "5s" },
  order      = { "role", "backend", "dns" }, -- as the topology names those who watch them
  objectives = { "out_of_order <= 0", "rto <= 30s", "lost <= 0" },

  run = function(d)
    d:steady "3s"
    local dark <close> = d:inject(fault.blackhole { region = "us-east" })
    d:await_recovery { within = "40s" }
    dark:revert()
    d:await_recovery { within = "30s" }
  end,
}
