-- The quarterly drill, with people in it.
--
-- First it looks whether the system is what it is declared to be: files on disk, commands and programs that run, and whether every region
-- says the same of itself. A drill of something else proves nothing, so nothing is broken then. What follows is three faults of growing
-- size: a gateway dies, the region is lost and comes back, a backend hangs after that. Two steps are people's: whoever is on call has to
-- declare the outage, and somebody has to say that the region may come back. They say it from a second terminal, and the drill waits:
--
--   drill note "declared: us-east is lost"      drill note "go back: …"
--
-- Nobody else can say it, the scenario neither: the evidence names the account that did, and when. The report says who took part and, from
-- what was touched, what was not tested. It is stopped where nearly nothing is answered for long (abort_when), or by `drill abort`.
--
--   DRILL_NOTIFY_URL=https://… drill run scenarios/game-day.lua --notify stages --participants "Ada, Grace"
--   drill scenarios/game-day.lua --set drift=runtime                        found before anything is broken: FAIL, nothing injected
--   drill scenarios/game-day.lua --set drift=file --set on_drift=flag       drilled all the same, and it FAILs
return drill {
  title      = "Game day: drift, three faults, and people who declare and go back",
  why        = "What is rehearsed once a quarter, by those who will have to do it, works in the night when it has to.",
  usual      = "165s",
  topology   = "topologies/game-day.yaml",
  load       = { rate = "300/s", writes = "30%", deadline = "1s", connections = "mixed" },
  measure    = { hold = "10s" },
  params     = { on_drift = "refuse", within = "10min" },
  alerts     = { "alert RegionDown after blackhole", "alert TrafficMoved after blackhole" },
  may_fire   = { "alert FailedAnswers" },
  objectives = { "drift <= 0", "rto <= 25s", "lost <= 0", "failed < 30%", "silent_alerts <= 0", "unanswered <= 0" },
  abort_when = { "failed > 95% for 45s" },

  run = function(d)
    if d:drift() > 0 and d.params.on_drift == "refuse" then
      d:note "nothing is broken: what runs is not what is declared"
      return
    end
    d:steady "25s" -- long enough for the monitor to know what is usual

    d:note "part 1: a gateway dies"
    local dead <close> = d:inject(fault.kill { service = "haproxy@us-east-gw1" })
    d:await_recovery { within = "30s" }
    dead:revert()
    d:await_recovery { within = "30s" }

    d:note "part 2: the region is lost"
    local dark <close> = d:inject(fault.blackhole { region = "us-east" })
    if d:await_note { says = "declared", within = d.params.within } then
      d:await_recovery { within = "40s" }
      d:await_note { says = "go back", within = d.params.within }
    end
    dark:revert()
    d:await_change { observer = "dns", within = "40s" } -- users are sent back to where they were
    d:await_recovery { within = "40s" }
    d:steady "20s" -- they are back, and what that raises is over: it must not be laid to the next fault

    d:note "part 3: a backend hangs"
    local hung <close> = d:inject(fault.hang { service = "orders@us-east-app1" })
    d:await_recovery { within = "30s" }
    hung:revert()
    d:await_recovery { within = "30s" }
  end,
}
