"""What runs first in gatewaydoctor.pyz. Any Python can read this file, to be told which one is needed."""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def contents():
    """pyz.json: `version`, `build` and, for each target inside, its `python`, `system` and `glibc`."""
    # As it was called: the loader knows no other spelling of the same path, such as one without "./".
    return json.loads(__loader__.get_data(os.path.join(__loader__.archive, "pyz.json")).decode("utf-8"))


def target():
    """How this interpreter names the compiled modules it takes, and on macOS the processor."""
    if sys.version_info < (3, 4):
        return "python-%d.%d" % sys.version_info[:2]
    from importlib.machinery import EXTENSION_SUFFIXES

    name = EXTENSION_SUFFIXES[0].strip(".").rsplit(".", 1)[0]
    return "%s-%s" % (name, os.uname().machine) if name.endswith("darwin") else name


def glibc():
    """The version of the C library as a pair, None where it is not glibc."""
    try:
        return tuple(int(part) for part in os.confstr("CS_GNU_LIBC_VERSION").split()[1].split(".")[:2])
    except (AttributeError, IndexError, OSError, TypeError, ValueError):
        return None


def misfit(inside, wanted):
    """Why this interpreter cannot run what is inside, None where it can."""
    chosen = inside.get(wanted)
    if chosen is None:
        return "This is Python %d.%d for %s, and none inside is for it." % (sys.version_info[:2] + (wanted,))
    needed = chosen["glibc"] and tuple(int(part) for part in chosen["glibc"].split("."))
    found = glibc()
    if needed and found and found < needed:
        return "The compiled parts need glibc %s, and this host has %d.%d." % ((chosen["glibc"],) + found)
    return None


def others(inside, wanted):
    """Interpreters of this host that may do better, as they would be called. What is inside for another system is for
    none of them; an interpreter too old to name the system knows nothing of that."""
    system = wanted.split("-", 2)[2:]
    fitting = [name for name in inside if not system or name.split("-", 2)[2:] == system]
    found = []
    for version in sorted({inside[name]["python"] for name in fitting if not misfit(inside, name)}):
        for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
            if os.access(os.path.join(folder, "python" + version), os.X_OK):
                found.append("python" + version)
                break
    return found


def refuse(problem, inside, wanted):
    """Say what is inside and what to do, and leave with 2: it could not examine."""
    pythons = {}
    for each in inside.values():
        pythons.setdefault(each["system"], []).append(each["python"])
    has = "; ".join("CPython %s for %s" % (", ".join(sorted(pythons[name])), name) for name in sorted(pythons))
    near = [name for name in others(inside, wanted) if name != "python%d.%d" % sys.version_info[:2]]
    steps = ["Try: %s %s" % (near[0], HERE)] if near else []
    steps.append("Or install it from its wheel, or make a pyz for this host: make pyz PYZ='--platform TAG'.")
    sys.stderr.write("gatewaydoctor.pyz: %s\nInside: %s.\n%s\n" % (problem, has, "\n".join(steps)))
    sys.exit(2)


def main():
    told = contents()
    wanted = target()
    problem = misfit(told["targets"], wanted)
    if problem:
        refuse(problem, told["targets"], wanted)
    import pyz_cache

    try:
        folder = pyz_cache.unpacked(HERE, told, wanted)
    except KeyboardInterrupt:
        sys.exit(130)
    rest = [path for path in sys.path if os.path.abspath(path) != HERE]
    sys.path[:] = [os.path.join(folder, wanted), os.path.join(folder, "any")] + rest
    # The cache is there to start fast, even on hosts where PYTHONDONTWRITEBYTECODE keeps Python from it elsewhere.
    sys.dont_write_bytecode = False
    from gatewaydoctor.__main__ import run

    run()


if __name__ == "__main__":
    main()
