"""The shelf of forms that manifests are handed on in, by the name that `telucodec manifest export --to` knows. A new one is a file and its line here."""

from telucodec.data.exports.huggingface import write_huggingface
from telucodec.data.exports.lhotse import write_lhotse

EXPORTS = {"lhotse": write_lhotse, "huggingface": write_huggingface}
