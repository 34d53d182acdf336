r"""The extension, and the bytes of the source archive; everything else stands in setup.cfg.

The headers' Unicode tables are generated anew for the Python that builds, so that ``\w``, ``str.lower`` and NFKD are its
own. That is why the extension is built for one version of Python, though it keeps to the limited API.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
import platform
import sysconfig
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

NATIVE = Path("nlucompress/native")


class Build(build_ext):
    """Compile against copies of the headers with this Python's tables, with the flags that this compiler takes."""

    def build_extension(self, ext: Extension) -> None:
        """Generate the headers, choose the flags, build."""
        spec = importlib.util.spec_from_file_location("make_unicode", NATIVE / "make_unicode.py")
        assert spec is not None
        assert spec.loader is not None
        make_unicode: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(make_unicode)
        folder = Path(self.build_temp)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("nluc.h", "template.h"):
            (folder / name).write_text(make_unicode.rewrite((NATIVE / name).read_text("utf-8")), "utf-8")
        # The sources are built beside those headers: an #include looks in the source's own folder first.
        for name in ("module.c", "avx2.h", "crf.h"):
            (folder / name).write_bytes((NATIVE / name).read_bytes())
        source = folder / "module.c"
        ext.sources = [str(source)]
        if self.compiler.compiler_type != "msvc":
            # Not -O3: gcc's makes branches of conditional moves in the look-up.
            flags = ("-O2", "-ftree-vectorize", "-fvect-cost-model=dynamic")
            ext.extra_compile_args += [flag for flag in flags if self.takes(flag)]
            # One instruction a rank. Every x86-64 processor since 2008 has it (numpy 2.4 asks for as much and does not load
            # without); on an older one the extension says so at import. -march=native would not travel at all.
            if platform.machine().lower() in ("x86_64", "amd64") and self.takes("-mpopcnt"):
                ext.extra_compile_args.append("-mpopcnt")
            # Debug information names this folder: without it the same source gives the same bytes wherever it is built.
            if self.takes(f"-ffile-prefix-map={os.getcwd()}=."):
                ext.extra_compile_args.append(f"-ffile-prefix-map={os.getcwd()}=.")
        else:
            ext.extra_compile_args.append("/utf-8")
        super().build_extension(ext)

    def takes(self, flag: str) -> bool:
        """Whether the compiler takes a flag."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "empty.c")
            source.write_text("int nothing;\n")
            try:
                self.compiler.compile([str(source)], output_dir=folder, extra_postargs=["-Werror", flag])
            except Exception:  # distutils' and setuptools' compilers have errors of their own
                return False
            return True


class Source(sdist):
    """With SOURCE_DATE_EPOCH, as for wheels, the same files give the same bytes: by name, of that time, nobody's."""

    def make_archive(self, base_name: str, format: str, root_dir: Any = None, base_dir: Any = None,
                     owner: str | None = None, group: str | None = None) -> str:  # fmt: skip
        """The archive's name."""
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if epoch is None or format != "gztar":
            return str(super().make_archive(base_name, format, root_dir, base_dir, owner, group))
        name = f"{base_name}.tar.gz"
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        with (
            open(name, "wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=int(epoch)) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for path in sorted(path for path in Path(base_dir).rglob("*") if path.is_file()):
                member = tarfile.TarInfo(path.as_posix())
                status = path.stat()
                member.size, member.mtime = status.st_size, int(epoch)
                member.mode = 0o755 if status.st_mode & 0o100 else 0o644
                with open(path, "rb") as content:
                    archive.addfile(member, content)
        return name


# The free-threaded build has no limited API.
macros = [] if sysconfig.get_config_var("Py_GIL_DISABLED") else [("Py_LIMITED_API", "0x030B0000")]
extension = Extension(
    "nlucompress._native",
    [str(NATIVE / "module.c")],
    depends=[str(NATIVE / name) for name in ("nluc.h", "template.h", "crf.h", "avx2.h", "make_unicode.py")],
    define_macros=macros,
)
setup(ext_modules=[extension], cmdclass={"build_ext": Build, "sdist": Source})
