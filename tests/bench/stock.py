"""A root folder as a stock Debian has it: its own lists, plain and with translations, the status of
this machine, and the copyright files of what is installed. Made once, by `apt-get update`."""
import os
import pathlib
import re
import shutil
import subprocess

FOLDERS = ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d",
           "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg/updates",
           "usr/share/doc")
COPIED = ("etc/apt/sources.list", "etc/apt/sources.list.d", "etc/apt/auth.conf",
          "etc/apt/auth.conf.d", "var/lib/dpkg/status", "var/lib/dpkg/arch",
          "var/lib/apt/extended_states")
# How this machine reaches its mirrors; what a container's image changes is left out.
REACHING = re.compile(r"^Acquire::"
                      r"(?!GzipIndexes|Languages|IndexTargets|CompressionTypes|Changelogs)"
                      r"[^ ]+ \".+\";$", re.M)
CONF = """\
{reaching}
Dir "{root}/";
Dir::State::status "{root}/var/lib/dpkg/status";
Dir::Etc::trusted "/etc/apt/trusted.gpg";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d";
Acquire::GzipIndexes "false";
Acquire::Languages {{ "en"; }};
APT::Sandbox::User "root";
"""


class Stock:
    def __init__(self, folder):
        self.root = pathlib.Path(folder)
        self.conf = self.root.with_suffix(".conf")
        self.lists = self.root / "var/lib/apt/lists"
        self.made = self.root / "made"

    def environment(self):
        return {"APT_CONFIG": str(self.conf), "LC_ALL": "C",
                "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}

    def packages(self):
        return sorted(str(path) for path in self.lists.glob("*_Packages"))

    def translations(self):
        return sorted(str(path) for path in self.lists.glob("*_Translation-en"))

    def make(self):
        """Why there is none; empty when there is one."""
        if self.made.exists():
            return ""
        if not shutil.which("apt-get") or not os.path.exists("/var/lib/dpkg/status"):
            return "this system has no apt"
        shutil.rmtree(self.root, ignore_errors=True)
        for name in FOLDERS:
            (self.root / name).mkdir(parents=True)
        for name in COPIED:
            copy("/" + name, self.root / name)
        copy_copyrights(self.root)
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True)
        reaching = "\n".join(REACHING.findall(dump.stdout))
        self.conf.write_text(CONF.format(root=self.root.resolve(), reaching=reaching))
        return self.update()

    def update(self):
        try:
            done = subprocess.run(["apt-get", "update", "-q"], env=self.environment(), timeout=240,
                                  capture_output=True, text=True)
        except subprocess.TimeoutExpired:
            return "`apt-get update` did not end"
        if done.returncode or not self.packages() or not self.translations():
            return "`apt-get update` brought no lists; is there a network?"
        subprocess.run(["apt-cache", "gencaches"], env=self.environment(), check=True,
                       capture_output=True)
        self.made.touch()
        return ""


def copy(source, to):
    if os.path.isdir(source):
        shutil.copytree(source, to, dirs_exist_ok=True)
    elif os.path.exists(source):
        shutil.copy2(source, to)


def copy_copyrights(root):
    for entry in os.scandir("/usr/share/doc"):
        to = root / "usr/share/doc" / entry.name
        if entry.is_symlink():
            to.symlink_to(os.readlink(entry.path))
        elif os.path.exists(entry.path + "/copyright"):
            to.mkdir()
            shutil.copy2(entry.path + "/copyright", to / "copyright", follow_symlinks=False)


def twin(stock, folder):
    """A second root of the same lists, whose status may be changed."""
    root = pathlib.Path(folder)
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(stock.root, root, symlinks=True,
                    ignore=shutil.ignore_patterns("cache", "lists", "made"))
    (root / "var/lib/apt/lists").mkdir(parents=True)
    for path in stock.packages() + stock.translations() + \
            [str(path) for path in stock.lists.glob("*_InRelease")]:
        os.link(path, root / "var/lib/apt/lists" / os.path.basename(path))
    return root


def installed(root):
    text = (root / "var/lib/dpkg/status").read_text(errors="replace")
    return {line[9:] for line in text.splitlines() if line.startswith("Package: ")}


def one_more(known, root):
    """How many packages are installed, two texts of the status file, as it is and with one package
    more, whose licence is there, and its name."""
    before, have = (root / "var/lib/dpkg/status").read_text(errors="replace"), installed(root)
    name, summary = next(package for package in known if package[0] not in have)
    doc = root / "usr/share/doc" / name
    doc.mkdir(exist_ok=True)
    (doc / "copyright").write_text("Format: https://www.debian.org/doc/packaging-manuals/"
                                   "copyright-format/1.0/\n\nFiles: *\nLicense: MIT\n")
    after = (f"{before.rstrip()}\n\nPackage: {name}\nStatus: install ok installed\n"
             f"Version: 1.0-1\nArchitecture: all\nMaintainer: nobody\nDescription: {summary}\n\n")
    return len(have), before, after, name
