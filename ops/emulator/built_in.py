"""The built-in lists, in the form of a lists file: what a facility company's Willow could hold."""

from typing import Any

BUILT_IN: dict[str, list[dict[str, Any]]] = {
    "statuses": [
        {"name": "Open", "tab": "Open", "color": "#d9822b"},
        {"name": "In Progress", "tab": "Open", "color": "#2b6cb0"},
        {"name": "On Hold", "tab": "Open", "color": "#805ad5"},
        {"name": "Resolved", "tab": "Resolved", "color": "#2f855a"},
        {"name": "Closed", "tab": "Closed", "color": "#718096"},
    ],
    "priorities": [
        {"name": "Urgent", "priorityLevel": "urgent"},
        {"name": "High", "priorityLevel": "high"},
        {"name": "Medium", "priorityLevel": "medium"},
        {"name": "Low", "priorityLevel": "low"},
    ],
    "categories": [
        {"name": "HVAC"},
        {"name": "Electrical"},
        {"name": "Plumbing"},
        {"name": "Lifts and Escalators"},
        {"name": "Fire and Life Safety"},
        {"name": "Security and Access"},
        {"name": "Cleaning"},
        {"name": "General Maintenance"},
    ],
    "jobTypes": [
        {"name": "Corrective"},
        {"name": "Preventive"},
        {"name": "Inspection"},
        {"name": "Emergency"},
        {"name": "Project"},
        {"name": "General"},
    ],
    "servicesNeeded": [
        {"name": "Too Hot", "categoryId": "HVAC"},
        {"name": "Too Cold", "categoryId": "HVAC"},
        {"name": "Filter Change", "categoryId": "HVAC"},
        {"name": "Power Failure", "categoryId": "Electrical"},
        {"name": "Lighting Out", "categoryId": "Electrical"},
        {"name": "Water Leak", "categoryId": "Plumbing"},
        {"name": "Blocked Drain", "categoryId": "Plumbing"},
        {"name": "Lift Out of Service", "categoryId": "Lifts and Escalators"},
        {"name": "Door Fault", "categoryId": "Security and Access"},
        {"name": "Spill Clean-up", "categoryId": "Cleaning"},
    ],
}
