"""Settings in files that cannot be read are told in one line, whatever is wrong with them."""

import pytest

from telucodec.config import read_toml
from telucodec.errors import ConfigError


@pytest.mark.parametrize("text", ["a = ", "a = " + 5000 * "[", "a = 1\na = 2"], ids=["cut off", "deeply nested", "said twice"])
def test_what_is_no_toml_is_told(tmp_path, text):
    path = tmp_path / "a.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match="a.toml: is not TOML"):
        read_toml(path)
