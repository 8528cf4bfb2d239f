package luaapi

import (
	"container/list"
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
)

const (
	cacheMaxDefault = 1000
	cacheMaxEntries = 100_000
)

// cache is pharos.cache{max =, ttl =}: values by key, of which the longest
// unused make room and the old ones go. It lives in Go because a Lua table
// whose keys keep changing never gives memory back here.
type cache struct {
	max   int
	ttl   time.Duration // 0 = they stay
	order list.List     // of *cacheEntry, latest used first
	byKey map[lua.LValue]*list.Element
}

type cacheEntry struct {
	key, value lua.LValue
	until      time.Time
}

func (c *cache) definition() string { return fmt.Sprintf("cache %d %d", c.max, c.ttl) }

// Weigh implements [vm.Weighed].
func (c *cache) Weigh(add func(lua.LValue)) (bytes int) {
	for key, element := range c.byKey {
		add(key)
		add(element.Value.(*cacheEntry).value)
	}
	const entryBytes = 200 // of the map, the list and the entry
	return entryBytes * len(c.byKey)
}

func (c *cache) get(key lua.LValue, now time.Time) lua.LValue {
	element, ok := c.byKey[key]
	if !ok {
		return lua.LNil
	}
	entry := element.Value.(*cacheEntry)
	if c.ttl > 0 && now.After(entry.until) {
		c.remove(element)
		return lua.LNil
	}
	c.order.MoveToFront(element)
	return entry.value
}

// set keeps a value; nil forgets the key.
func (c *cache) set(key, value lua.LValue, now time.Time) {
	element, ok := c.byKey[key]
	switch {
	case isNil(value):
		if ok {
			c.remove(element)
		}
		return
	case ok:
		c.order.MoveToFront(element)
	default:
		if len(c.byKey) >= c.max {
			c.remove(c.order.Back())
		}
		element = c.order.PushFront(&cacheEntry{key: key})
		c.byKey[key] = element
	}
	entry := element.Value.(*cacheEntry)
	entry.value, entry.until = value, now.Add(c.ttl)
}

// expire removes what is too old.
func (c *cache) expire(now time.Time) {
	if c.ttl == 0 {
		return
	}
	for element := c.order.Front(); element != nil; {
		next := element.Next()
		if now.After(element.Value.(*cacheEntry).until) {
			c.remove(element)
		}
		element = next
	}
}

func (c *cache) remove(element *list.Element) {
	c.order.Remove(element)
	delete(c.byKey, element.Value.(*cacheEntry).key)
}

// cacheFunction makes pharos.cache.
func (s *script) cacheFunction(L *lua.LState) lua.LValue {
	meta := s.newMethods(L, "cache",
		member{"get", func(L *lua.LState) int {
			vm.Charge(L, 1)
			L.Push(checkCache(L).get(L.CheckAny(2), s.clock.Now()))
			return 1
		}},
		member{"set", func(L *lua.LState) int {
			vm.Charge(L, 1)
			c, key := checkCache(L), L.CheckAny(2)
			if isNil(key) || key != key { // what equals nothing is never found again, nor forgotten
				L.ArgError(2, "want a key, got "+key.String())
			}
			c.set(key, L.Get(3), s.clock.Now())
			return 0
		}},
		member{"count", func(L *lua.LState) int {
			c := checkCache(L)
			vm.Charge(L, len(c.byKey)/16)
			c.expire(s.clock.Now())
			L.Push(lua.LNumber(len(c.byKey)))
			return 1
		}},
	)
	return L.NewFunction(func(L *lua.LState) int {
		c := &cache{max: cacheMaxDefault, byKey: make(map[lua.LValue]*list.Element)}
		readOptions(L, 1, "pharos.cache", []string{"max", "ttl"}, func(name string, v lua.LValue) error {
			if name == "max" {
				return setCount(&c.max, v, 1, cacheMaxEntries)
			}
			return setPositive(&c.ttl, v)
		})
		L.Push(&lua.LUserData{Value: c, Metatable: meta})
		return 1
	})
}

func checkCache(L *lua.LState) *cache {
	if c, ok := object[*cache](L.Get(1)); ok {
		return c
	}
	L.ArgError(1, "want a cache: call its methods with a colon, cache:get(key)")
	return nil
}
