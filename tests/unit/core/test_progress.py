from emolens.core.progress import Progress, silently


def test_progress_may_be_shown_to_nobody() -> None:
    progress: Progress = silently
    for n_steps in (3, None):
        with progress("faces", n_steps) as done:
            for number in range(3):
                done(number)
