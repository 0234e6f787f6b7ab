"""User-facing texts of Graph API errors in other languages; `message` stays English.

Facts: docs/platform-facts.md#meta-errors.
"""

from collections.abc import Mapping
from typing import Any

_TEXTS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "de": {
        "viewers": ("Zu wenige Personen", "Diese Story haben noch zu wenige Personen gesehen."),
        "metric": ("Ungültiger Parameter", "Diese Kennzahl gibt es für diesen Inhalt nicht."),
        "permission": ("Keine Berechtigung", "Du darfst diese Daten nicht ansehen."),
        "missing": ("Nicht gefunden", "Dieser Inhalt ist nicht verfügbar."),
        "token": ("Sitzung abgelaufen", "Bitte melde dich erneut an."),
        "limit": ("Zu viele Anfragen", "Bitte versuche es später noch einmal."),
        "other": ("Es ist ein Fehler aufgetreten", "Bitte versuche es später noch einmal."),
    },
    "pt": {
        "viewers": ("Poucas pessoas", "Este story ainda foi visto por poucas pessoas."),
        "metric": ("Parâmetro inválido", "Esta métrica não existe para este conteúdo."),
        "permission": ("Sem permissão", "Você não pode ver estes dados."),
        "missing": ("Não encontrado", "Este conteúdo não está disponível."),
        "token": ("Sessão expirada", "Entre novamente."),
        "limit": ("Muitas solicitações", "Tente novamente mais tarde."),
        "other": ("Ocorreu um erro", "Tente novamente mais tarde."),
    },
    "th": {
        "viewers": ("ผู้ชมน้อยเกินไป", "มีผู้ชมสตอรี่นี้น้อยเกินไป"),
        "metric": ("พารามิเตอร์ไม่ถูกต้อง", "ไม่มีตัวชี้วัดนี้สำหรับเนื้อหานี้"),
        "permission": ("ไม่มีสิทธิ์", "ไม่มีสิทธิ์อ่านเพจนี้"),
        "missing": ("ไม่พบ", "ไม่มีเนื้อหานี้"),
        "token": ("เซสชันหมดอายุ", "โปรดเข้าสู่ระบบอีกครั้ง"),
        "limit": ("คำขอมากเกินไป", "โปรดลองอีกครั้งในภายหลัง"),
        "other": ("เกิดข้อผิดพลาด", "โปรดลองอีกครั้งในภายหลัง"),
    },
}
_LIMITS = frozenset([4, 17, 32, 341, 368, 613, 80001, 80002])


def localised(error: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return the body of an error with a user-facing title and text in a language."""
    title, text = _TEXTS[language][_kind(error)]
    return {**error, "error_user_title": title, "error_user_msg": text}


def _kind(error: Mapping[str, Any]) -> str:
    code, message = error.get("code"), str(error["message"]).lower()
    if code in _LIMITS:
        return "limit"
    if code in (102, 104, 190):
        return "token"
    if error.get("error_subcode") == 33:
        return "missing"
    if "viewers" in message:
        return "viewers"
    if code == 10 or "permission" in message:
        return "permission"
    return "metric" if "metric" in message else "other"
