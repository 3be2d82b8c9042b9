local space = "dragoman.error_pages"

local function empty(handle)
  local status, noted = handle:headers():get(":status"), handle:streamInfo():dynamicMetadata():get(space)
  if noted == nil or not noted["codes"]:find(status, 1, true) then return end
  handle:headers():remove("content-length")
  for chunk in handle:bodyChunks() do chunk:setBytes("") end
end

function envoy_on_response(handle)
  local went_well, why = pcall(empty, handle)
  if not went_well then handle:logWarn("the body of an error is kept: " .. tostring(why)) end
end
