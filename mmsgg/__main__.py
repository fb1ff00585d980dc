"""The command ``mmsgg``: the tools of the repository, from any folder."""

import sys
from argparse import REMAINDER, ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from runpy import run_path

#: What of the repository is installed with the package, as OpenMMLab's mim
#: looks for it; in a clone these are links.
MIM = Path(__file__).parent / '.mim'
COMMANDS = dict(
    train='tools/train.py',
    test='tools/test.py',
    infer='demo/image_demo.py',
    serve='projects/web_demo/web_demo.py',
    check='tools/analysis_tools/check_dataset.py',
)


def main(argv: Sequence[str] | None = None) -> None:
    """Run a tool as if it were called by its path.

    Args:
        argv: A command and the arguments of its tool; by default those of the
            command line.
    """
    parser = ArgumentParser(
        prog='mmsgg',
        description='Scene graph generation. A config is named by its path '
        'or, of those that come with mmsgg, by its name: linknet/sgdet.',
        epilog='mmsgg COMMAND --help tells the arguments of a command.',
    )
    parser.add_argument(
        'command',
        help=f'{", ".join(COMMANDS)}, or another tool by its name, such as '
        'misc/download_dataset',
    )
    parser.add_argument('arguments', nargs=REMAINDER, help='of the command')
    args = parser.parse_args(argv)
    tool = f'tools/{args.command.removesuffix(".py")}.py'
    script = (MIM / COMMANDS.get(args.command, tool)).resolve()
    if not script.is_file():
        parser.error(
            f"there is no command '{args.command}', only {', '.join(COMMANDS)}"
            f" and the tools of '{MIM / 'tools'}'"
        )
    # as Python does for a script, which finds the modules beside it
    sys.path.insert(0, str(script.parent))
    sys.argv[1:] = args.arguments
    run_path(str(script), run_name='__main__')


if __name__ == '__main__':
    main()
