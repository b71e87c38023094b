"""The demo's folder: what lies where, and whether it may be written."""

from dataclasses import dataclass
from pathlib import Path

from shoestring_demo.season import SYNTHETIC, Season
from shoestring_schema.errors import OutputError

_README = """\
{synthetic}

    mosaics/          what `shoestring demo` made: images in two tiles, and daily weather
    shoestring.toml   what the builder is told; copy it for mosaics of your own
    site/             what the builder made; any web server can host it
    fields.geojson    three fields
    ndvi.png          what the client read of them

{season}
This folder may be deleted; `shoestring demo` makes it again.
"""


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """The demo's folder.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def mosaics(self) -> Path:
        """Input of the builder."""
        return self.path / "mosaics"

    @property
    def config(self) -> Path:
        """Configuration of the builder."""
        return self.path / "shoestring.toml"

    @property
    def site(self) -> Path:
        """Output of the builder."""
        return self.path / "site"

    @property
    def fields(self) -> Path:
        """The fields' outlines."""
        return self.path / "fields.geojson"

    @property
    def picture(self) -> Path:
        """The picture."""
        return self.path / "ndvi.png"

    @property
    def readme(self) -> Path:
        """Says what all this is; tells the demo that the folder is its own."""
        return self.path / "README.txt"

    def claim(self, season: Season) -> None:
        """Make the folder, or find it as an earlier run with the same season left it.

        Raises:
            OutputError: It holds something else, or can't be written.
        """
        text = _README.format(synthetic=SYNTHETIC, season=f"Season: {season}.")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if self.readme.is_file() and self.readme.read_text("utf-8") == text:
                return
            if any(self.path.iterdir()):
                raise OutputError(
                    f"{self.path} holds files that this demo did not make: name a folder that does "
                    "not exist yet, as in `shoestring demo another-folder`."
                )
        except (OSError, UnicodeDecodeError) as error:
            raise _unwritable(self.path, error) from None
        self.write_text(self.readme, text)

    def write_text(self, path: Path, text: str) -> None:
        """Write a file of the folder, unless it is there: it may have been edited since.

        Raises:
            OutputError: It can't be written.
        """
        try:
            if not path.exists():
                path.write_text(text, "utf-8", newline="\n")
        except OSError as error:
            raise _unwritable(path, error) from None


def _unwritable(path: Path, error: Exception) -> OutputError:
    reason = error.strerror if isinstance(error, OSError) else error
    return OutputError(f"{path} can't be written ({reason}): name another folder.")
