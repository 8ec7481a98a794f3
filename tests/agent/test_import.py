import subprocess
import sys


def test_packages_import_nothing_heavy():
    """Only the agent's own modules may load torch; nothing here does at package import."""
    script = (
        "import sys\n"
        "import msc_kedro.dialogue.collate, msc_kedro.dialogue.packing, msc_kedro.dialogue.turns\n"
        "import msc_kedro.agent, msc_kedro.training.config, msc_kedro.training.data\n"
        "import msc_kedro.training.adapter, msc_kedro.training.checkpoint\n"
        "import msc_kedro.evaluation.replies, msc_kedro.evaluation.scores\n"
        "import msc_kedro.metrics.text, msc_kedro.metrics.speech\n"
        "heavy = {'torch', 'transformers', 'pandas', 'numpy', 'sacrebleu'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
