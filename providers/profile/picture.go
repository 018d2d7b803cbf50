package profile

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// pictures make the URL of a picture that no template can say.
var pictures = map[string]source{
	"discord_avatar": discordAvatar,
	"yandex_avatar":  yandexAvatar,
}

// discordAvatar: people without a picture of their own have one of a few by
// their number; animated pictures have another ending.
func discordAvatar(c Claims) (any, bool) {
	const cdn = "https://cdn.discordapp.com"
	id, ok := Identifier(c["id"])
	if !ok {
		return nil, false
	}
	if hash, _ := c["avatar"].(string); hash != "" {
		ending := "png"
		if strings.HasPrefix(hash, "a_") {
			ending = "gif"
		}
		return fmt.Sprintf("%s/avatars/%s/%s.%s", cdn, url.PathEscape(id), url.PathEscape(hash), ending), true
	}
	if discriminator, _ := c["discriminator"].(string); discriminator != "" && discriminator != "0" {
		number, err := strconv.ParseUint(discriminator, 10, 32)
		return fmt.Sprintf("%s/embed/avatars/%d.png", cdn, number%5), err == nil
	}
	snowflake, err := strconv.ParseUint(id, 10, 64)
	return fmt.Sprintf("%s/embed/avatars/%d.png", cdn, (snowflake>>22)%6), err == nil
}

// yandexAvatar: is_avatar_empty says that the picture is a placeholder.
func yandexAvatar(c Claims) (any, bool) {
	id, ok := c["default_avatar_id"].(string)
	if !ok || id == "" || c["is_avatar_empty"] == true || c["is_avatar_empty"] == json.Number("1") {
		return nil, false
	}
	// The id holds a slash that is part of the path.
	return "https://avatars.yandex.net/get-yapic/" + id + "/islands-200", !strings.Contains(id, "..")
}
