-- What:  a user's journey: open the form, log in, see the own page
-- Needs: a site with a login form
-- Args:  SITE=http://127.0.0.1, and the secret CANARY_PASSWORD of a user made for this
-- Shows: the time of the whole journey; red with the step that failed, "2/3 log in"

local site = pharos.env("SITE", "http://127.0.0.1")
local password = pharos.secret("CANARY_PASSWORD")

-- The value of the cookie that a site sets.
local function cookie(page, name)
  return (page.headers["set-cookie"] or ""):match(name .. "=([^;]+)")
end

metric_watchers = {
  pharos.MetricWatcher{
    name = "login", interval = "10s", unit = "s", thresholds = { warn = 1, crit = 3 },
    steps = { "form", "log in", "own page" },
    check = function(self)
      local token = self:step("form", function()
        local form = assert(pharos.http.get(site .. "/login"))
        return form.body:match('name="token" value="([^"]+)"') or self:critical("no form", form.body:sub(1, 200))
      end)
      local session = self:step("log in", function()
        local answer = assert(pharos.http.post(site .. "/login", {
          form = { user = "canary", password = password, token = token },
        }))
        return cookie(answer, "session") or self:critical("refused", "HTTP " .. answer.status)
      end)
      self:step("own page", function()
        local own = assert(pharos.http.get(site .. "/account", { cookies = { session = session } }))
        if not own.body:find("canary", 1, true) then return self:critical("not logged in", "HTTP " .. own.status) end
      end)
    end,
  },
}
