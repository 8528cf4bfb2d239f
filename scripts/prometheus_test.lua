-- The tests of prometheus.lua: run them with `pharosd test`.

local function exporter(errors)
  return function()
    return { body = '# TYPE go_goroutines gauge\ngo_goroutines 12\nhttp_requests_total{code="200"} 9e3\nhttp_requests_total{code="500"} ' .. errors .. "\n" }
  end
end

test.case("a series is read as it stands there", function(t)
  t:load("prometheus.lua")
  t:stub("http", exporter(3))
  local result = t:run("goroutines")
  t:equal({ result.status, result.value }, { "ok", "12" })
  t:stub("http", function() return { body = "go_goroutines_total 7\n" } end)
  t:equal(t:run("goroutines").status, "unknown", "another series")
  t:stub("http", function() return { status = 503 } end)
  t:equal(t:run("goroutines").value, "HTTP 503")
end)

test.case("a counter is shown as its rate", function(t)
  t:load("prometheus.lua")
  t:stub("http", exporter(3))
  t:equal(t:run("errors").status, "pending")
  t:advance("5s")
  t:stub("http", exporter(13))
  local result = t:run("errors")
  t:equal({ result.status, result.value, result.unit }, { "critical", "2", "/s" })
  t:advance("5s")
  t:stub("http", exporter(0))
  t:equal(t:run("errors").status, "pending", "the exporter was started again")
end)
