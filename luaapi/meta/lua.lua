---@meta

-- What the Lua here has and the language server does not know of. It is told that
-- this is LuaJIT, which is the nearest: goto, table.pack and table.unpack.

--- Bit operations on 32 bits, with signed results, as in LuaJIT; a global here.
bit = {}

---@param x number
---@return integer
function bit.tobit(x) end

---@param x number
---@param digits? integer
---@return string
function bit.tohex(x, digits) end

---@param x number
---@return integer
function bit.bnot(x) end

---@param x number
---@param ... number
---@return integer
function bit.band(x, ...) end

---@param x number
---@param ... number
---@return integer
function bit.bor(x, ...) end

---@param x number
---@param ... number
---@return integer
function bit.bxor(x, ...) end

---@param x number
---@param n integer
---@return integer
function bit.lshift(x, n) end

---@param x number
---@param n integer
---@return integer
function bit.rshift(x, n) end

---@param x number
---@param n integer
---@return integer
function bit.arshift(x, n) end

---@param x number
---@param n integer
---@return integer
function bit.rol(x, n) end

---@param x number
---@param n integer
---@return integer
function bit.ror(x, n) end

--- Characters of UTF-8, as in Lua 5.3.
utf8 = {}

---@type string
utf8.charpattern = nil

---@param ... integer
---@return string
function utf8.char(...) end

--- nil and the position of the first byte that is not UTF-8, if there is one.
---@param s string
---@param i? integer
---@param j? integer
---@return integer?
---@return integer?
function utf8.len(s, i, j) end

---@param s string
---@param i? integer
---@param j? integer
---@return integer ...
function utf8.codepoint(s, i, j) end

--- The nearest whole number; halves away from zero.
---@param x number
---@return number
function math.round(x) end
