-- The tests of api_json.lua: run them with `pharosd test`.

local function health(answer)
  return function(request) return { body = pharos.json.encode(answer), total = "20ms" } end
end

test.case("it shows the depth of the queue", function(t)
  t:load("api_json.lua")
  t:stub("http", health{ status = "up", queue = { depth = 3 } })
  local result = t:run("api")
  t:equal({ result.status, result.value, result.unit }, { "ok", "3", "jobs" })
  t:match(result.detail, "HTTP 200 in 0.020 s")
end)

test.case("it asks the API that the environment names", function(t)
  t:load("api_json.lua", { env = { API = "http://127.0.0.1:9000/health" } })
  t:stub("http", function(request)
    t:equal(request.url, "http://127.0.0.1:9000/health")
    t:equal(request.headers.accept, "application/json")
    return { body = '{ "status": "up", "queue": { "depth": 100 } }' }
  end)
  t:equal(t:run("api").status, "warning", "from 100 it is yellow")
end)

test.case("what is not up is red", function(t)
  t:load("api_json.lua")
  t:stub("http", health{ status = "draining" })
  t:equal(t:run("api").value, "draining")
  for _, kind in ipairs{ "timeout", "refused", "dns" } do
    t:stub("http", function() return nil, { kind = kind, message = kind } end)
    t:equal(t:run("api").status, "critical", kind)
  end
end)
