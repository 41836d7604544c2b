"""Every error that leaves IonFront: what was seen, what was needed, what to do next."""

__all__ = [
    "CalibrationError",
    "ElectrochemistryError",
    "FrontFitError",
    "IonFrontError",
    "LabelledDataError",
    "MaterialError",
    "MissingExtraError",
    "ModelFileError",
    "MovieError",
    "OutputExistsError",
    "PromotionRefusedError",
    "ServerError",
    "UsageError",
]


class IonFrontError(Exception):
    """Root of the tree. The command line prints it as one line and exits with code 2."""


class UsageError(IonFrontError):
    """A setting or an argument is outside what is allowed."""


class MissingExtraError(IonFrontError):
    """A feature needs an optional extra that is not installed."""


class MovieError(IonFrontError):
    """An image or a movie cannot be read, or holds nothing that can be analysed."""


class CalibrationError(IonFrontError):
    """A pixel size or a frame time is impossible or contradicts another."""


class ElectrochemistryError(IonFrontError):
    """A log of potential and current cannot be read, or lacks what is needed."""


class LabelledDataError(IonFrontError):
    """A labelled data set breaks its layout: sizes, label ids, orphans or groups."""


class MaterialError(IonFrontError):
    """A host, an ion or a formula is not known, or a table of them is broken."""


class ModelFileError(IonFrontError):
    """A model file cannot be used: wrong format, missing metadata, or altered."""


class FrontFitError(IonFrontError):
    """There is too little of a front to measure what was asked."""


class PromotionRefusedError(IonFrontError):
    """A model was not shown to be as good as the one whose place it would take."""


class ServerError(IonFrontError):
    """A server refused what was asked, or could not be reached."""


class OutputExistsError(IonFrontError):
    """A finished output is never overwritten unasked."""
