"""Where results are found: this machine's own, or the ones that are committed."""

from pathlib import Path

from unroll.errors import UnrollError
from unroll.measure.journal import FILE_NAME, Run, read_journal
from unroll.models import history
from unroll.models.history import Training, read_trainings
from unroll.shipped import shipped

LOCAL = Path("results", "local")
COMMITTED = shipped("results")
REFERENCE = COMMITTED / "reference"
FURTHER = "unmeasured"


def default_folder() -> Path:
    """Return the folder of this machine's own results, or else of the committed ones.

    Raises:
        UnrollError: there is neither.
    """
    for folder in (LOCAL, REFERENCE):
        if holds_results(folder):
            return shown(folder)
    raise UnrollError(
        f"neither {LOCAL} nor {REFERENCE} holds results; name a folder, or run `unroll bench` to fill one"
    )


def folder_named(path: Path) -> Path:
    """Return a folder that is there, or else the one of this name that ships with the package, as results/gpu."""
    committed = COMMITTED.parent / path
    return committed if not path.exists() and holds_results(committed) else path


def folders() -> list[Path]:
    """Return every folder at hand that holds results: this machine's own, the reference, whatever else is committed."""
    committed = sorted(COMMITTED.iterdir()) if COMMITTED.is_dir() else []
    every = dict.fromkeys(folder.resolve() for folder in (LOCAL, REFERENCE, *committed))
    return [shown(folder) for folder in every if holds_results(folder)]


def trainings_beside(folder: Path) -> list[Training]:
    """Read the trainings that belong to some results, if there are any."""
    place = training_folder(folder)
    return read_trainings(place) if place else []


def gpu_run_beside(folder: Path) -> Run | None:
    """Read the last run in the folder `gpu` beside some results, if there is one."""
    beside = Path(folder).resolve().parent / "gpu"
    return read_journal(beside)[-1] if holds_results(beside) else None


def further_run_beside(folder: Path) -> Run | None:
    """Read the last run in the folder `unmeasured` beside some results: what the other presets leave out."""
    beside = Path(folder).resolve().parent / FURTHER
    return read_journal(beside)[-1] if holds_results(beside) and beside != Path(folder).resolve() else None


def training_folder(folder: Path) -> Path | None:
    """Return where the trainings of results are: there, or beside them, this machine's own or the committed ones."""
    beside = "tutorials" if Path(folder).resolve() == REFERENCE else "training"
    candidates = (Path(folder), Path(folder).parent / beside)
    return next((path for path in candidates if (path / history.FILE_NAME).is_file()), None)


def holds_results(folder: Path) -> bool:
    """Return whether there is a journal in a folder."""
    return (folder / FILE_NAME).is_file()


def shown(folder: Path) -> Path:
    """Return a folder's path as people like to read it: from here, if it lies below."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
