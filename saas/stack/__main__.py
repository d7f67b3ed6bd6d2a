"""`make up`: servers, migrations, demo workspace, web, worker and the first ad."""

import os
import sys

from saas.stack import doctor
from saas.stack.config import Config
from saas.stack.errors import StackError
from saas.stack.place import prepare
from saas.stack.services import only_one
from saas.stack.start import Start
from saas.stack.supervisor import Stopped, Supervisor
from saas.stack.terminal import complain, say


def main() -> int:
    try:
        config = Config.read()
        doctor.check_python()
        doctor.check_disk(config)
        doctor.check_servers(config)
        place = prepare(config.data_dir)
        with only_one(place), Supervisor() as supervisor:
            doctor.check_port(config.port)
            Start(config, place, supervisor).run()
    except Stopped:
        say("kindling", "stopped; everything is kept in the data folder")
    except StackError as error:
        complain("kindling", error.problem)
        complain("kindling", error.cure)
        return 1
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
