-- The tests of office_hours.lua: run them with `pharosd test`.

-- The hours are the machine's own: from wherever it is, to a day at 10 o'clock.
local function at_ten(t, weekday)
  for _ = 1, 7 * 24 do
    local now = os.date("*t")
    if now.wday == weekday and now.hour == 10 then return end
    t:advance("1h")
  end
  error("no such hour in a week")
end

test.case("what is slow at work is fast enough on Sunday", function(t)
  t:load("office_hours.lua")
  t:stub("http", function() return { total = "500ms" } end)
  at_ten(t, 2)
  t:equal(t:run("intranet").status, "warning")
  t:advance("9h")
  t:equal(t:run("intranet").status, "ok", "closed at 19")
  at_ten(t, 1)
  t:equal(t:run("intranet").status, "ok", "Sunday")
end)

test.case("a page that is not there is red at any hour", function(t)
  t:load("office_hours.lua")
  t:stub("http", function() return nil, { kind = "refused" } end)
  at_ten(t, 1)
  t:equal(t:run("intranet").status, "critical")
end)
