local band, bor, bxor, bnot = bit.band, bit.bor, bit.bxor, bit.bnot
local rol, lshift, rshift, tobit = bit.rol, bit.lshift, bit.rshift, bit.tobit

local most_at_work, most_known, longest = 20, 1000, 255
local longest_given = 2000  -- a user of 255 characters and a password of 255 bytes, encoded
local known, known_count, second, at_work = {}, 0, 0, 0

local function little(word)
  return string.char(band(word, 255), band(rshift(word, 8), 255), band(rshift(word, 16), 255), rshift(word, 24))
end

local function big(word)
  return string.char(rshift(word, 24), band(rshift(word, 16), 255), band(rshift(word, 8), 255), band(word, 255))
end

local sines, turns = {}, {}
for i = 0, 63 do
  sines[i] = tobit(math.floor(math.abs(math.sin(i + 1)) * 4294967296))
end
for round, them in ipairs({{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}) do
  for i = 0, 15 do turns[(round - 1) * 16 + i] = them[i % 4 + 1] end
end

local words = {}

local function md5(text)
  local size = #text
  text = text .. "\128" .. ("\0"):rep((55 - size) % 64) .. little(size * 8) .. "\0\0\0\0"
  local a0, b0, c0, d0 = 0x67452301, tobit(0xefcdab89), tobit(0x98badcfe), 0x10325476
  for from = 1, #text, 64 do
    for i = 0, 15 do
      local one, two, three, four = text:byte(from + 4 * i, from + 4 * i + 3)
      words[i] = bor(one, lshift(two, 8), lshift(three, 16), lshift(four, 24))
    end
    local a, b, c, d = a0, b0, c0, d0
    for i = 0, 63 do
      local f, g
      if i < 16 then
        f, g = bor(band(b, c), band(bnot(b), d)), i
      elseif i < 32 then
        f, g = bor(band(d, b), band(bnot(d), c)), (5 * i + 1) % 16
      elseif i < 48 then
        f, g = bxor(b, c, d), (3 * i + 5) % 16
      else
        f, g = bxor(c, bor(b, bnot(d))), (7 * i) % 16
      end
      local sum = tobit(a + f + sines[i] + words[g])
      a, d, c, b = d, c, b, tobit(b + rol(sum, turns[i]))
    end
    a0, b0, c0, d0 = tobit(a0 + a), tobit(b0 + b), tobit(c0 + c), tobit(d0 + d)
  end
  return little(a0) .. little(b0) .. little(c0) .. little(d0)
end

local function sha1(text)
  local size = #text
  text = text .. "\128" .. ("\0"):rep((55 - size) % 64) .. "\0\0\0\0" .. big(size * 8)
  local h0, h1, h2 = 0x67452301, tobit(0xefcdab89), tobit(0x98badcfe)
  local h3, h4 = 0x10325476, tobit(0xc3d2e1f0)
  local w = {}
  for from = 1, #text, 64 do
    for i = 0, 15 do
      local one, two, three, four = text:byte(from + 4 * i, from + 4 * i + 3)
      w[i] = bor(lshift(one, 24), lshift(two, 16), lshift(three, 8), four)
    end
    for i = 16, 79 do w[i] = rol(bxor(w[i - 3], w[i - 8], w[i - 14], w[i - 16]), 1) end
    local a, b, c, d, e = h0, h1, h2, h3, h4
    for i = 0, 79 do
      local f, k
      if i < 20 then
        f, k = bor(band(b, c), band(bnot(b), d)), 0x5a827999
      elseif i < 40 then
        f, k = bxor(b, c, d), 0x6ed9eba1
      elseif i < 60 then
        f, k = bor(band(b, c), band(b, d), band(c, d)), tobit(0x8f1bbcdc)
      else
        f, k = bxor(b, c, d), tobit(0xca62c1d6)
      end
      e, d, c, b, a = d, c, rol(b, 30), a, tobit(rol(a, 5) + f + e + k + w[i])
    end
    h0, h1, h2, h3, h4 = tobit(h0 + a), tobit(h1 + b), tobit(h2 + c), tobit(h3 + d), tobit(h4 + e)
  end
  return big(h0) .. big(h1) .. big(h2) .. big(h3) .. big(h4)
end

local signs = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

local function in_signs(one, two, three, count)
  local value, text = bor(lshift(one, 16), lshift(two, 8), three), ""
  for _ = 1, count do
    local place = band(value, 63) + 1
    text, value = text .. signs:sub(place, place), rshift(value, 6)
  end
  return text
end

local function apr1(password, salt)
  local first, size = md5(password .. salt .. password), #password
  local parts = {password, "$apr1$", salt, first:rep(math.ceil(size / 16)):sub(1, size)}
  local left = size
  while left > 0 do
    parts[#parts + 1] = band(left, 1) == 1 and "\0" or password:sub(1, 1)
    left = rshift(left, 1)
  end
  local final = md5(table.concat(parts))
  for i = 0, 999 do
    local is_odd = band(i, 1) == 1
    local salted = i % 3 ~= 0 and salt or ""
    local again = i % 7 ~= 0 and password or ""
    if is_odd then
      final = md5(password .. salted .. again .. final)
    else
      final = md5(final .. salted .. again .. password)
    end
  end
  local f = {final:byte(1, 16)}
  return "$apr1$" .. salt .. "$" .. in_signs(f[1], f[7], f[13], 4) .. in_signs(f[2], f[8], f[14], 4)
    .. in_signs(f[3], f[9], f[15], 4) .. in_signs(f[4], f[10], f[16], 4) .. in_signs(f[5], f[11], f[6], 4)
    .. in_signs(0, 0, f[12], 2)
end

local values, alphabet = {}, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
for i = 1, 64 do values[alphabet:byte(i)] = i - 1 end

local function decoded(text)
  local bytes, held, bits = {}, 0, 0
  for i = 1, #text do
    local value = values[text:byte(i)]
    if value == nil then
      if text:find("^=*$", i) then break end
      return nil
    end
    held, bits = bor(lshift(held, 6), value), bits + 6
    if bits >= 8 then
      bits = bits - 8
      bytes[#bytes + 1] = string.char(band(rshift(held, bits), 255))
      held = band(held, lshift(1, bits) - 1)
    end
  end
  return table.concat(bytes)
end

local function is_same(one, other)
  if #one ~= #other then return false end
  local differs = 0
  for i = 1, #one do differs = bor(differs, bxor(one:byte(i), other:byte(i))) end
  return differs == 0
end

local function is_right(password, hash)
  local salt = hash:match("^%$apr1%$([^$]*)%$")
  if salt ~= nil then return is_same(apr1(password, salt), hash) end
  local digest = decoded(hash:match("^{SHA}(.*)$") or "")
  if digest ~= "" then return digest ~= nil and is_same(sha1(password), digest) end
  digest = decoded(hash:match("^{SSHA}(.*)$") or "") or ""
  return #digest > 20 and is_same(sha1(password .. digest:sub(21)), digest:sub(1, 20))
end

-- What a request is answered whose password is wrong; nil: it may go on. What was right before is known without work.
local function check_password(handle, said)
  local given = handle:headers():get("authorization") or ""
  if #given > longest_given then given = "" end  -- to decode 60 KiB is as much work as an apr1, which is counted
  local credentials = decoded(given:match("^[Bb][Aa][Ss][Ii][Cc] +(%S+) *$") or "")
  local user, password = (credentials or ""):match("^([^:]+):(.*)$")
  local hash = user and said:get("user:" .. user)
  local refused = {[":status"] = "401", ["www-authenticate"] = said:get("challenge")}
  if hash == nil or #password > longest then return refused end
  local key = hash .. sha1(password)
  if known[key] then return nil end
  local now = os.time()
  if now ~= second then second, at_work = now, 0 end
  at_work = at_work + 1
  if at_work > most_at_work then return {[":status"] = "503"} end
  if not is_right(password, hash) then return refused end
  if known_count >= most_known then known, known_count = {}, 0 end
  known[key], known_count = true, known_count + 1
  return nil
end
