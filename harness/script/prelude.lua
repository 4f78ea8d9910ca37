-- The scenario language on top of one primitive: every step yields a request to the engine and gets its answer.
-- Arguments: where(level) gives the line of a caller, yield hands a request over.
local where, yield = ...

local function ask(level, verb, args)
  local answer = yield { verb = verb, line = where(level + 1), args = args }
  if answer.error then error(answer.error, 0) end
  return answer.value
end

local function fail(level, text)
  error(text, level + 1)
end

local Fault = { __name = "fault" }
fault = setmetatable({}, {
  __index = function(_, name)
    return function(options)
      if options ~= nil and type(options) ~= "table" then
        fail(2, "fault." .. tostring(name) .. ": expected options in braces, as fault." .. tostring(name) .. ' { region = "us-east" }')
      end
      return setmetatable({ fault = name, options = options or {}, line = where(2) }, Fault)
    end
  end,
  __newindex = function() fail(2, "faults cannot be defined in a scenario") end,
})

local Handle = { __name = "injected fault" }
Handle.__index = Handle

function Handle:revert()
  if not self.reverted then
    self.reverted = true
    ask(2, "revert", { id = self.id })
  end
end

function Handle:__close() self:revert() end
function Handle:__tostring() return "injected fault " .. self.id end

local Steps = { __name = "drill" }
Steps.__index = function(_, name)
  local step = rawget(Steps, name)
  if step then return step end
  fail(2, "there is no step d:" .. tostring(name) .. "; steps are: steady, wait, inject, await_recovery, await_change, await_note, drift, read_back, read_stores, note, parallel")
end

local function duration(step, value)
  if type(value) ~= "string" then
    fail(3, 'd:' .. step .. ': expected a duration such as "10s", found ' .. type(value))
  end
  return value
end

--- Healthy for this long before going on, or the drill stops here.
function Steps:steady(time) ask(2, "steady", { time = duration("steady", time) }) end

--- Let time pass under load.
function Steps:wait(time) ask(2, "wait", { time = duration("wait", time) }) end

--- Make a fault true; gives a handle with :revert(), which <close> calls too.
function Steps:inject(what)
  if getmetatable(what) ~= Fault then
    fail(2, "d:inject: expected a fault such as fault.blackhole { … }, found " .. type(what))
  end
  local id = ask(2, "inject", { fault = what.fault, options = what.options, line = what.line })
  return setmetatable({ id = id, reverted = false }, Handle)
end

--- Wait until every vantage and class is good again and stays so for the hold time; false when that was not seen in time.
function Steps:await_recovery(options)
  options = options or {}
  if type(options) ~= "table" then fail(2, 'd:await_recovery: expected { within = "60s" }') end
  local outcome = ask(2, "await_recovery", options) -- no tail call: where() counts frames
  return outcome
end

--- Wait until one of the topology's observers tells of a change: { observer = "role us-west-db", to = "primary", within = "30s" }.
--- Without `to` any change will do. False when it was not seen in time.
function Steps:await_change(options)
  if type(options) ~= "table" then fail(2, 'd:await_change: expected { observer = "…", within = "60s" }') end
  local outcome = ask(2, "await_change", options)
  return outcome
end

--- Wait for somebody's note from a second terminal (drill note "…"): { says = "failover confirmed", within = "10m" }. Who said it, or
--- false when nobody did in time. The scenario's own notes are not anybody's.
function Steps:await_note(options)
  if type(options) ~= "table" then fail(2, 'd:await_note: expected { says = "…", within = "10m" }') end
  local who = ask(2, "await_note", options)
  return who
end

--- Compare what runs with what is declared, and region with region; the number of differences, each of which is a finding.
function Steps:drift()
  local count = ask(2, "drift", {})
  return count
end

--- Ask for every write that was acknowledged, now.
function Steps:read_back()
  local outcome = ask(2, "read_back", {})
  return outcome
end

--- Ask every store for the writes that it has itself and compare them: "while both are written". One that cannot answer yet, as while it
--- is being rewound, is asked again: { label = "healed", within = "40s" }.
function Steps:read_stores(options)
  if type(options) == "string" then options = { label = options } end
  if type(options) ~= "table" or type(options.label) ~= "string" or options.label == "" then
    fail(2, 'd:read_stores: expected when this is, as "healed" or { label = "healed", within = "40s" }')
  end
  ask(2, "read_stores", options)
end

--- A line in the event log, as "declared a disaster".
function Steps:note(text) ask(2, "note", { text = tostring(text) }) end

--- Run several functions side by side; goes on when all have ended.
function Steps:parallel(functions)
  if type(functions) ~= "table" or #functions == 0 then fail(2, "d:parallel: expected a list of functions") end
  for _, each in ipairs(functions) do
    if type(each) ~= "function" then fail(2, "d:parallel: expected a list of functions, found a " .. type(each)) end
  end
  local answer = yield { verb = "parallel", line = where(2), tasks = functions }
  if answer.error then error(answer.error, 0) end
end

function drill(declared)
  if type(declared) ~= "table" then fail(2, "drill: expected a table, as drill { title = …, run = function(d) … end }") end
  return { declared = declared, is_drill = true }
end

-- What the engine calls: the scenario's run function with its steps.
return function(run, params)
  return run(setmetatable({ params = params }, Steps))
end
