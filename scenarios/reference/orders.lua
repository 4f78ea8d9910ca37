-- The orders API: writes and the full list go to the Redis primary that Sentinel names, reads to the region's own Redis.
local redis = require "nginx.redis"

local LOCAL = "{{#each service=redis,region=this}}{{item.address}}{{/each}}"
local SENTINELS = { {{#each service=sentinel,region=this}}"{{item.address}}", {{/each}}{{#each service=sentinel}}"{{item.address}}", {{/each}} } -- own region first
local WAIT_FOR_REPLICA = {{#if set.replication=wait}}true{{#else}}false{{/if}}

local stores = ngx.shared.stores

local function answer(status, text)
    ngx.status = status
    ngx.header["Content-Type"] = "text/plain"
    ngx.header["Content-Length"] = #text
    ngx.print(text)
end

local function connect(host, port)
    local client = redis:new()
    client:set_timeouts(200, 300, 300)
    if client:connect(host, port) then
        return client
    end
end

-- A primary that was lost may still answer, so the server itself is asked for its role too.
local function connect_primary(host)
    local client = host and connect(host, 6379)
    local role = client and client:role()
    if type(role) == "table" and role[1] == "master" then
        return client
    end
    if client then
        client:close()
    end
end

local function ask_sentinels()
    for _, host in ipairs(SENTINELS) do
        local sentinel = connect(host, 26379)
        local named = sentinel and sentinel:sentinel("get-master-addr-by-name", "orders")
        if sentinel and named then
            sentinel:set_keepalive(5000, 4)
        end
        if type(named) == "table" then
            return named[1]
        end
    end
end

-- Which server is the primary is kept for half a second: asking for each request would exhaust connections in an outage.
local function primary()
    local host = stores:get("primary")
    if not host and not stores:get("none") then
        host = ask_sentinels()
        if host then
            stores:set("primary", host, 0.5)
        else
            stores:set("none", true, 0.2)
        end
    end
    local client = connect_primary(host)
    if not client then
        stores:delete("primary")
    end
    return client
end

local function put(client, id)
    local new, problem = client:hsetnx("orders", id, string.format("%.3f %s", ngx.now(), os.getenv("REGION") or ""))
    if new and WAIT_FOR_REPLICA and client:wait(1, 250) == 0 then
        new, problem = nil, "no replica has it yet"
    end
    if not new then
        stores:delete("primary")
        client:close()
        return answer(503, "not written: " .. tostring(problem) .. "\n")
    end
    client:set_keepalive(10000, 64)
    answer(new == 1 and 201 or 200, id .. "\n") -- 200: it was there already
end

local function list(client)
    local ids, problem = client:hkeys("orders")
    if type(ids) ~= "table" then
        client:close()
        return answer(503, "no list: " .. tostring(problem) .. "\n")
    end
    client:set_keepalive(10000, 64)
    local count = #ids
    ids[count + 1] = "# " .. count .. "\n"
    answer(200, table.concat(ids, "\n"))
end

local function read(id)
    local client = connect(LOCAL, 6379)
    local found, problem
    if client and id then
        found, problem = client:hget("orders", id)
    elseif client then
        found, problem = client:hlen("orders")
    end
    if not found then
        return answer(503, "no answer from the store: " .. tostring(problem) .. "\n")
    end
    client:set_keepalive(10000, 64)
    answer(found == ngx.null and 404 or 200, tostring(found) .. "\n")
end

local id = ngx.var.id ~= "" and ngx.var.id or nil
local method = ngx.req.get_method()
if method == "GET" and (id or ngx.var.arg_limit) then
    return read(id)
end
if method ~= "GET" and not (method == "PUT" and id) then
    return answer(405, "GET /orders, GET /orders/ID or PUT /orders/ID\n")
end
local client = primary()
if not client then
    return answer(503, "no primary\n")
end
if method == "PUT" then
    put(client, id)
else
    list(client)
end
