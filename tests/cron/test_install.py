"""`shoestring cron install`: the line for cron, the units for systemd."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shoestring_builder.unattended.crontab import crontab_lines, with_job
from shoestring_builder.unattended.schedule import Job, Schedule, parse_schedule
from shoestring_builder.unattended.units import service, timer
from shoestring_schema.errors import ConfigError
from support.command import Ran, run_here
from support.mosaics import write_configuration, write_season
from support.tools import require_tool

ROOT = Path(__file__).parents[2]
EXAMPLE = Job("ghana", Path("/srv/ghana/shoestring.toml"), Path("/srv/ghana/site"),
              Path("/srv/ghana/.venv/bin"), 2)  # fmt: skip
NIGHTLY = Schedule("day", 2, 15)
ODD = "a b'c\"d%e$f\\g"
"""A folder's name that every quoting must survive."""

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(sys.platform == "win32", reason="cron is of POSIX systems."),
]

CRONTAB = """\
#!/bin/sh
[ -e "{folder}/refuses" ] && {{ echo "bad minute" >&2; exit 1; }}
case $1 in
    -l) [ -e "{folder}/crontab" ] || {{ echo "no crontab for me" >&2; exit 1; }}
        cat "{folder}/crontab" ;;
    -)  cat > "{folder}/crontab"; echo written >> "{folder}/writes" ;;
esac
"""
SYSTEMCTL = '#!/bin/sh\necho "$@" >> "{folder}/systemctl"\n[ ! -e "{folder}/refuses" ]\n'


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with stand-ins for crontab and systemctl, which are the only ones on the PATH."""
    folder = tmp_path / "machine"
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for name, text in (("crontab", CRONTAB), ("systemctl", SYSTEMCTL)):
        (programs / name).write_text(text.format(folder=folder))
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    return folder


def project(folder: Path) -> Path:
    """Sources of one date and their configuration, in a new folder; the configuration."""
    folder.mkdir()
    return write_configuration(write_season(folder, dates=1))


def install(config: Path, *more: str) -> Ran:
    """Run ``shoestring cron install``."""
    return run_here("cron", "install", config, *more)


# --- cron ----------------------------------------------------------------------------------


def test_without_install_it_prints(tmp_path: Path, machine: Path) -> None:
    """What would be installed goes to standard output, and nothing is changed."""
    config = project(tmp_path / "ghana")
    ran = install(config)
    program = Path(sys.executable).with_name("shoestring-cron")
    assert ran.out == f"# shoestring: {config}\n15 2 * * * {program} {config}\n"
    assert "--install puts it there" in ran.err
    assert not (machine / "crontab").exists()


def test_it_is_installed_once(tmp_path: Path, machine: Path) -> None:
    """Again it changes nothing; with other words it changes its line, where it stands."""
    config = project(tmp_path / "ghana")
    other = install(project(tmp_path / "other"), "--install")
    assert (other.code, "installed in your crontab" in other.err) == (0, True)
    (machine / "crontab").write_text(f"MAILTO=me\n{(machine / 'crontab').read_text()}# mine\n")
    assert "installed in" in install(config, "--install").err
    once = (machine / "crontab").read_text()
    assert once == f"MAILTO=me\n{other.out}# mine\n{install(config).out}"
    assert "already in" in install(config, "--install").err
    assert (machine / "crontab").read_text() == once
    assert (machine / "writes").read_text().count("written") == 2
    hourly = install(tmp_path / "other/site.toml", "--every", "hour", "--at", "3:40", "--install")
    assert hourly.out.splitlines()[1].startswith("40 * * * * ")
    assert (machine / "crontab").read_text() == once.replace(other.out, hourly.out)


def test_a_crontab_that_refuses(tmp_path: Path, machine: Path) -> None:
    """What crontab says is told."""
    (machine / "refuses").touch()
    ran = install(project(tmp_path / "ghana"), "--install")
    assert ran.code == 1
    assert "crontab -l failed (bad minute): nothing was changed." in ran.err


def test_a_machine_without_cron(
    tmp_path: Path, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That there is no crontab is told, with what to do."""
    config = project(tmp_path / "ghana")
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = install(config, "--install")
    assert ran.code == 1
    assert "crontab is not on this machine: install it" in ran.err


@pytest.mark.parametrize(
    ("every", "cron", "systemd"),
    [
        ("hour", "5 * * * *", "*-*-* *:05:00"),
        ("day", "5 4 * * *", "*-*-* 04:05:00"),
        ("week", "5 4 * * 1", "Mon *-*-* 04:05:00"),
    ],
)
def test_how_often(every: str, cron: str, systemd: str) -> None:
    """Hourly, daily and weekly, in the words of cron and of systemd, which knows them."""
    schedule = parse_schedule(every, "04:05")  # type: ignore[arg-type]
    assert crontab_lines(EXAMPLE, schedule)[1].startswith(f"{cron} /srv/ghana/.venv/bin/")
    assert f"OnCalendar={systemd}\n" in timer(EXAMPLE, schedule)
    done = subprocess.run(
        [require_tool("systemd-analyze"), "calendar", systemd], capture_output=True, check=False
    )
    assert done.returncode == 0


@pytest.mark.parametrize("at", ["24:00", "2:60", "02", "", "2:5", "02:15\n", "-1:30"])
def test_what_is_no_time(tmp_path: Path, at: str) -> None:
    """A time of the day that there is not is named."""
    ran = install(project(tmp_path / "ghana"), "--at", at)
    assert ran.code == 78
    assert "is not a time of the day: write it like 02:15" in ran.err


def cron_command(line: str) -> tuple[str, str]:
    """What cron makes of a line: the command, and its standard input (by crontab(5))."""
    rest = line.split(" ", 5)[5]
    command, escaped = "", False
    for place, letter in enumerate(rest):
        if letter == "%" and not escaped:
            return command, rest[place + 1 :]
        if letter == "%":
            command = command[:-1]
        command += letter
        escaped = letter == "\\"
    return command, ""


def test_the_line_runs_as_cron_runs_it(tmp_path: Path) -> None:
    """A shell with an environment as empty as cron's builds the site, whatever its folder is called."""
    config = project(tmp_path / ODD)
    line = install(config).out.splitlines()[1]
    command, given = cron_command(line)
    assert given == ""
    environment = {
        "HOME": str(tmp_path),
        "LOGNAME": "me",
        "PATH": "/usr/bin:/bin",
        "SHELL": "/bin/sh",
    }
    done = subprocess.run(
        ["/bin/sh", "-c", command], env=environment, cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (config.parent / "site/catalog.json").is_file()


def test_a_real_crontab_takes_the_line(tmp_path: Path) -> None:
    """The crontab program of this machine finds no mistake in it."""
    program = require_tool("crontab")
    odd = Job("ghana", tmp_path / ODD / "x.toml", tmp_path / "site", tmp_path, 2)
    text = with_job("MAILTO=me\n", odd, NIGHTLY)
    (tmp_path / "crontab").write_text(text)
    done = subprocess.run(
        [program, "-n", tmp_path / "crontab"], capture_output=True, text=True, check=False
    )
    if "invalid option" in done.stderr:
        pytest.skip("This machine's crontab can't check without installing.")
    assert done.returncode == 0
    (tmp_path / "crontab").write_text(text.replace("15 2 ", "15 25 "))
    assert subprocess.run([program, "-n", tmp_path / "crontab"], check=False).returncode != 0


def test_a_path_of_two_lines() -> None:
    """What neither file can hold is refused, with the remedy."""
    job = Job("ghana", Path("/srv/a\nb.toml"), Path("/srv/site"), Path("/bin"))
    for write in (lambda: crontab_lines(job, NIGHTLY), lambda: service(job)):
        with pytest.raises(ConfigError, match="rename the folder or file"):
            write()


def test_an_unusable_configuration_is_not_installed(tmp_path: Path, machine: Path) -> None:
    """A configuration that could not run is refused now and not at night."""
    ran = install(write_configuration(tmp_path, "[catalogue]"), "--install")
    assert ran.code == 78
    assert not (machine / "crontab").exists()
    assert install(tmp_path / "none.toml").code == 78


# --- systemd -------------------------------------------------------------------------------


def verify(folder: Path, *more: str) -> str:
    """What systemd finds wrong with the units in a folder."""
    (folder / "run").mkdir(exist_ok=True)
    done = subprocess.run(
        [require_tool("systemd-analyze"), *more, "verify", *sorted(folder.glob("*.*"))],
        capture_output=True, text=True, check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder / "run")},
    )  # fmt: skip
    return done.stderr


@pytest.mark.parametrize("account", ["root", None])
def test_systemd_takes_the_units(tmp_path: Path, account: str | None) -> None:
    """Systemd finds no mistake in them, whatever the folders are called, and finds the program."""
    programs = tmp_path / "a b%e$f"
    programs.mkdir()
    (programs / "shoestring").write_text("#!/bin/sh\n")
    (programs / "shoestring").chmod(0o755)
    job = Job("ghana", tmp_path / ODD / "x.toml", tmp_path / ODD / "site", programs, 2)
    folder = tmp_path / "units"
    folder.mkdir()
    (folder / "shoestring-ghana.service").write_text(service(job, account))
    (folder / "shoestring-ghana.timer").write_text(timer(job, NIGHTLY))
    assert verify(folder, *([] if account else ["--user"])) == ""
    (programs / "shoestring").unlink()
    assert "shoestring" in verify(folder, *([] if account else ["--user"]))


def test_a_program_that_systemd_does_not_start() -> None:
    """A program in a folder with a quote in its name is refused, with the remedy."""
    job = Job("ghana", Path("/srv/a.toml"), Path("/srv/site"), Path("/srv/it's"))
    with pytest.raises(ConfigError, match="rename the folder"):
        service(job)


def test_the_service_is_shut_in(tmp_path: Path) -> None:
    """By systemd's own measure a unit of the system is hardly exposed: 3 or less of 10."""
    path = tmp_path / "shoestring-ghana.service"
    path.write_text(service(EXAMPLE, "ghana"))
    done = subprocess.run(
        [require_tool("systemd-analyze"), "security", "--offline=true", "--threshold=30", path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unrecognized option" in done.stderr:
        pytest.skip("This systemd can't judge a unit that is not installed.")
    assert done.returncode == 0, done.stdout


def test_it_may_write_its_site_only() -> None:
    """The one folder that the service can write is the site's."""
    lines = service(EXAMPLE).splitlines()
    assert "ProtectSystem=strict" in lines
    assert [own for own in lines if own.startswith("ReadWrite")] == [
        'ReadWritePaths="/srv/ghana/site"'
    ]


def test_units_are_installed_once(tmp_path: Path, machine: Path) -> None:
    """They are written, taken up and started; again, nothing is done."""
    config = project(tmp_path / "ghana")
    ran = install(config, "--systemd", "--install")
    assert (ran.code, "installed in" in ran.err) == (0, True)
    folder = machine / "config/systemd/user"
    assert sorted(own.name for own in folder.iterdir()) == [
        "shoestring-test.service", "shoestring-test.timer",
    ]  # fmt: skip
    assert (machine / "systemctl").read_text().splitlines() == [
        "--user daemon-reload", "--user enable --now shoestring-test.timer",
    ]  # fmt: skip
    assert (tmp_path / "ghana/site").is_dir()
    assert "already in" in install(config, "--systemd", "--install").err
    assert (machine / "systemctl").read_text().count("\n") == 2
    assert "installed in" in install(config, "--systemd", "--every", "hour", "--install").err


def test_units_of_another_configuration_are_left_alone(tmp_path: Path, machine: Path) -> None:
    """Two configurations of one catalogue's id do not take each other's units."""
    install(project(tmp_path / "ghana"), "--systemd", "--install")
    folder = machine / "config/systemd/user"
    before = [path.read_text() for path in sorted(folder.iterdir())]
    ran = install(project(tmp_path / "other"), "--systemd", "--install")
    assert ran.code == 78
    assert "belongs to another configuration: give this catalogue an id of its own" in ran.err
    assert [path.read_text() for path in sorted(folder.iterdir())] == before


def test_a_systemd_that_refuses(tmp_path: Path, machine: Path) -> None:
    """What systemctl can't do is told."""
    (machine / "refuses").touch()
    ran = install(project(tmp_path / "ghana"), "--systemd", "--install")
    assert ran.code == 1
    assert "systemctl --user daemon-reload failed" in ran.err


def test_an_account_is_for_systemd(tmp_path: Path) -> None:
    """Cron runs as the one whose crontab it is: --account with it is wrong usage."""
    assert install(project(tmp_path / "ghana"), "--account", "me").code == 2


# --- the files in cron/ --------------------------------------------------------------------


def test_the_examples_are_what_the_command_makes() -> None:
    """cron/ holds the line and the units for /srv/ghana, as `shoestring cron install` writes them."""
    crontab = (ROOT / "cron/crontab.example").read_text()
    assert crontab.endswith("\n".join(crontab_lines(EXAMPLE, NIGHTLY)) + "\n")
    assert (ROOT / "cron/shoestring.service").read_text() == service(EXAMPLE, "ghana")
    assert (ROOT / "cron/shoestring.timer").read_text() == timer(EXAMPLE, NIGHTLY)


def test_the_container_names_what_there_is() -> None:
    """The recipe copies files of the repository only, ends as no root, and runs the command."""
    lines = (ROOT / "cron/Containerfile").read_text().replace("\\\n", " ").splitlines()
    orders = [line.split() for line in lines if line and not line.startswith("#")]
    copied = [word for order in orders if order[0] == "COPY" for word in order[1:-1]]
    own = [word for word in copied if not word.startswith("--")]
    assert all((ROOT / word).exists() for word in own)
    assert {"pyproject.toml", "constraints.txt"} <= set(own)
    assert [order[1] for order in orders if order[0] == "USER"] not in ([], ["root"])
    assert orders[-1][0] in ("ENTRYPOINT", "CMD")
