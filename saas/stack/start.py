"""The order of a start: what runs, what is skipped because it was done, and what is shown."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from saas.stack import secret, steps
from saas.stack.config import ROOT, Config
from saas.stack.database import applied_migrations, bootstrap
from saas.stack.errors import StackError
from saas.stack.place import Place
from saas.stack.postgres import SUPERUSER, Postgres
from saas.stack.processes import dies_with_parent
from saas.stack.programs import NICENESS, predictor, web, worker
from saas.stack.services import database_env, valkey_env
from saas.stack.supervisor import Supervisor
from saas.stack.terminal import complain, say
from saas.stack.valkey import Valkey

BASE_MODEL = "smollm2-135m-instruct"
# Not the hidden folders: what is collected lies in one of them.
STATIC = "[!.]*/static/**/*.*"
MIGRATIONS = "[!.]*/**/migrations/*.py"
# What only migrations may hold: the web server and the worker never see these.
PRIVILEGED = {"DATABASE_OWNER_URL", "DATABASE_ADMIN_URL"}


class Start:
    """One run of `make up`."""

    def __init__(self, config: Config, place: Place, supervisor: Supervisor) -> None:
        self.config = config
        self.place = place
        self.supervisor = supervisor
        self.env = self._base_env()

    def run(self) -> None:
        for note in self.place.notes:
            say("kindling", note)
        self._servers()
        self._prepare()
        self._programs()
        login = self._step(steps.manage("demo", "the demo workspace", "demo"))
        self._first_ad()
        if self.config.once:
            return
        # Only now, so that they take nothing from the first ad.
        self._workers(queue for queue, niceness in NICENESS.items() if niceness)
        self.supervisor.start(predictor(self._programs_env(), self.place))
        self._welcome(login)
        self.supervisor.watch()

    def _base_env(self) -> dict[str, str]:
        env = {"DATA_DIR": str(self.config.data_dir)}
        if not os.environ.get("PUBLIC_URL"):
            env["PUBLIC_URL"] = self.config.url
            env["MAILBOX"] = str(not os.environ.get("EMAIL_URL"))
        if not (os.environ.get("SECRET_KEY") or os.environ.get("SECRET_KEY_FILE")):
            env["SECRET_KEY_FILE"] = str(secret.ensure(self.config.data_dir / "secret_key"))
        return env

    def _servers(self) -> None:
        if self.config.database_url:
            say("postgres", "using the server of DATABASE_URL")
        else:
            postgres = Postgres(self.place)
            self.supervisor.start(postgres)
            bootstrap(postgres.url(SUPERUSER, "postgres"))
            self.env |= database_env(postgres)
        if self.config.redis_url:
            say("valkey", "using the server of REDIS_URL")
        else:
            valkey = Valkey(self.place)
            self.supervisor.start(valkey)
            self.env |= valkey_env(valkey)

    def _prepare(self) -> None:
        self._tables()
        self._static_files()
        self._base_model()

    def _tables(self) -> None:
        url = self.config.owner_url or self.env["DATABASE_OWNER_URL"]
        step = steps.manage("migrate", "the database tables", "migrate", "--noinput")
        self._unless_done(step, ROOT.glob(MIGRATIONS), partial(applied_migrations, url))

    def _static_files(self) -> None:
        collect = ("collectstatic", "--noinput", "--clear", "--verbosity", "0")
        step = steps.manage("static", "the static files", *collect)
        result = self.config.data_dir / "static" / "staticfiles.json"
        self._unless_done(step, ROOT.glob(STATIC), partial(_exists, result))

    def _base_model(self) -> None:
        result = self.config.data_dir / "models" / BASE_MODEL
        convert = (sys.executable, "-m", "generation.engine.convert", str(result))
        step = steps.Step("model", "the base model", convert)
        source = ROOT / "generation" / "engine" / "convert.py"
        self._unless_done(step, [source], partial(_exists, result))

    def _unless_done(
        self, step: steps.Step, sources: Iterable[Path], result: Callable[[], str]
    ) -> None:
        """Skip a step whose sources, packages and result are as its last run left them."""
        stamp = self.place.pids / f"{step.name}.stamp"
        made_of = _fingerprint([ROOT / "deploy" / "requirements.txt", *sorted(sources)])
        if stamp.exists() and stamp.read_text() == f"{made_of} {result()}":
            return
        self._step(step)
        stamp.write_text(f"{made_of} {result()}")

    def _programs(self) -> None:
        self.supervisor.start(web(self.config, self._programs_env(), self.place))
        self._workers(queue for queue, niceness in NICENESS.items() if not niceness)

    def _workers(self, queues: Iterable[str]) -> None:
        for queue in queues:
            self.supervisor.start(worker(queue, self._programs_env(), self.place))

    def _programs_env(self) -> dict[str, str]:
        env = {name: value for name, value in self.env.items() if name not in PRIVILEGED}
        return env | dict.fromkeys(PRIVILEGED, "")

    def _first_ad(self) -> None:
        """The main job once, in view; a failure ends only a run that was for this alone."""
        done = self.config.data_dir / "first_ad"
        if done.exists() and not self.config.once:
            return
        say("first ad", "the model writes it, through the real queue …")
        code = subprocess.run(
            [sys.executable, "manage.py", "first_ad"],
            cwd=ROOT,
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            preexec_fn=dies_with_parent(signal.SIGKILL),
            check=False,
        ).returncode
        if code == 0:
            done.touch()
        elif self.config.once:
            raise StackError(f"The first ad failed (exit {code}).", self._where_to_look())
        else:
            complain("first ad", f"failed (exit {code}). {self._where_to_look()}")

    def _where_to_look(self) -> str:
        return f"The reason is above and in {self.place.logs / 'worker-generate.log'}."

    def _welcome(self, login: str) -> None:
        say("kindling", f"ready: {self.config.url}")
        say("kindling", login.splitlines()[-1])
        if self.env.get("MAILBOX") == "True":
            say("kindling", f"mails stay here: {self.config.url}/mailbox/")
        say("kindling", f"for programs: {self.config.url}/developers/")
        say("kindling", "Ctrl-C stops everything and keeps the data.")

    def _step(self, step: steps.Step) -> str:
        return steps.run(step, self.env, self.place)


def _exists(result: Path) -> str:
    return str(result.exists())


def _fingerprint(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        found = path.stat()
        digest.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
