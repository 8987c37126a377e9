"""The techniques of ATT&CK's Enterprise matrix that apply to Linux hosts, by id, and those that leave no trace.

Where a technique has parts of its own, the parts stand here. Names are ATT&CK's.
"""

__all__ = ["LINUX", "TRACELESS"]

_NAMES = """
T1001.001 Junk Data
T1001.002 Steganography
T1001.003 Protocol or Service Impersonation
T1003.007 Proc Filesystem
T1003.008 /etc/passwd and /etc/shadow
T1005 Data from Local System
T1007 System Service Discovery
T1008 Fallback Channels
T1010 Application Window Discovery
T1011.001 Exfiltration Over Bluetooth
T1014 Rootkit
T1016.001 Internet Connection Discovery
T1016.002 Wi-Fi Discovery
T1018 Remote System Discovery
T1020 Automated Exfiltration
T1021.004 SSH
T1021.005 VNC
T1025 Data from Removable Media
T1027.001 Binary Padding
T1027.002 Software Packing
T1027.003 Steganography
T1027.004 Compile After Delivery
T1027.005 Indicator Removal from Tools
T1027.008 Stripped Payloads
T1027.010 Command Obfuscation
T1027.013 Encrypted/Encoded File
T1029 Scheduled Transfer
T1030 Data Transfer Size Limits
T1033 System Owner/User Discovery
T1036.002 Right-to-Left Override
T1036.003 Rename Legitimate Utilities
T1036.004 Masquerade Task or Service
T1036.005 Match Legitimate Resource Name or Location
T1036.006 Space after Filename
T1036.008 Masquerade File Type
T1036.009 Break Process Trees
T1036.010 Masquerade Account Name
T1036.011 Overwrite Process Arguments
T1037.004 RC Scripts
T1039 Data from Network Shared Drive
T1040 Network Sniffing
T1041 Exfiltration Over C2 Channel
T1046 Network Service Discovery
T1048.001 Exfiltration Over Symmetric Encrypted Non-C2 Protocol
T1048.002 Exfiltration Over Asymmetric Encrypted Non-C2 Protocol
T1048.003 Exfiltration Over Unencrypted Non-C2 Protocol
T1049 System Network Connections Discovery
T1052.001 Exfiltration over USB
T1053.002 At
T1053.003 Cron
T1053.006 Systemd Timers
T1055.008 Ptrace System Calls
T1055.009 Proc Memory
T1055.014 VDSO Hijacking
T1056.001 Keylogging
T1056.003 Web Portal Capture
T1056.004 Credential API Hooking
T1057 Process Discovery
T1059.004 Unix Shell
T1059.006 Python
T1059.007 JavaScript
T1059.011 Lua
T1068 Exploitation for Privilege Escalation
T1069.001 Local Groups
T1070.002 Clear Linux or Mac System Logs
T1070.003 Clear Command History
T1070.004 File Deletion
T1070.006 Timestomp
T1070.007 Clear Network Connection History and Configurations
T1070.008 Clear Mailbox Data
T1070.009 Clear Persistence
T1070.010 Relocate Malware
T1071.001 Web Protocols
T1071.002 File Transfer Protocols
T1071.003 Mail Protocols
T1071.004 DNS
T1071.005 Publish/Subscribe Protocols
T1072 Software Deployment Tools
T1074.001 Local Data Staging
T1074.002 Remote Data Staging
T1078.001 Default Accounts
T1078.002 Domain Accounts
T1078.003 Local Accounts
T1080 Taint Shared Content
T1082 System Information Discovery
T1083 File and Directory Discovery
T1087.001 Local Account
T1090.001 Internal Proxy
T1090.002 External Proxy
T1090.003 Multi-hop Proxy
T1090.004 Domain Fronting
T1092 Communication Through Removable Media
T1095 Non-Application Layer Protocol
T1098.004 SSH Authorized Keys
T1098.007 Additional Local or Domain Groups
T1102 Web Service
T1104 Multi-Stage Channels
T1105 Ingress Tool Transfer
T1106 Native API
T1110.001 Password Guessing
T1110.002 Password Cracking
T1110.003 Password Spraying
T1110.004 Credential Stuffing
T1111 Multi-Factor Authentication Interception
T1113 Screen Capture
T1114.001 Local Email Collection
T1115 Clipboard Data
T1119 Automated Collection
T1120 Peripheral Device Discovery
T1123 Audio Capture
T1124 System Time Discovery
T1125 Video Capture
T1129 Shared Modules
T1132.001 Standard Encoding
T1132.002 Non-Standard Encoding
T1133 External Remote Services
T1135 Network Share Discovery
T1136.001 Local Account
T1140 Deobfuscate/Decode Files or Information
T1187 Forced Authentication
T1189 Drive-by Compromise
T1190 Exploit Public-Facing Application
T1195 Supply Chain Compromise
T1199 Trusted Relationship
T1200 Hardware Additions
T1201 Password Policy Discovery
T1203 Exploitation for Client Execution
T1204.002 Malicious File
T1205.001 Port Knocking
T1205.002 Socket Filters
T1210 Exploitation of Remote Services
T1211 Exploitation for Defense Evasion
T1212 Exploitation for Credential Access
T1217 Browser Information Discovery
T1219 Remote Access Tools
T1222.002 Linux and Mac File and Directory Permissions Modification
T1480.001 Environmental Keying
T1480.002 Mutual Exclusion
T1485 Data Destruction
T1486 Data Encrypted for Impact
T1489 Service Stop
T1490 Inhibit System Recovery
T1491.001 Internal Defacement
T1491.002 External Defacement
T1495 Firmware Corruption
T1496.001 Compute Hijacking
T1496.002 Bandwidth Hijacking
T1497.001 System Checks
T1497.002 User Activity Based Checks
T1497.003 Time Based Evasion
T1498.001 Direct Network Flood
T1498.002 Reflection Amplification
T1499.001 OS Exhaustion Flood
T1499.002 Service Exhaustion Flood
T1499.003 Application Exhaustion Flood
T1499.004 Application or System Exploitation
T1505.001 SQL Stored Procedures
T1505.002 Transport Agent
T1505.003 Web Shell
T1518.001 Security Software Discovery
T1518.002 Backup Software Discovery
T1529 System Shutdown/Reboot
T1531 Account Access Removal
T1534 Internal Spearphishing
T1539 Steal Web Session Cookie
T1542.001 System Firmware
T1542.002 Component Firmware
T1542.003 Bootkit
T1543.002 Systemd Service
T1543.005 Container Service
T1546.004 Unix Shell Configuration Modification
T1546.005 Trap
T1546.016 Installer Packages
T1546.017 Udev Rules
T1546.018 Python Startup Hooks
T1547.006 Kernel Modules and Extensions
T1547.013 XDG Autostart Entries
T1548.001 Setuid and Setgid
T1548.003 Sudo and Sudo Caching
T1552.001 Credentials In Files
T1552.003 Shell History
T1552.004 Private Keys
T1552.005 Cloud Instance Metadata API
T1553.004 Install Root Certificate
T1554 Compromise Host Software Binary
T1555.003 Credentials from Web Browsers
T1555.005 Password Managers
T1556.003 Pluggable Authentication Modules
T1556.006 Multi-Factor Authentication
T1557 Adversary-in-the-Middle
T1558.005 Ccache Files
T1559 Inter-Process Communication
T1560.001 Archive via Utility
T1560.002 Archive via Library
T1560.003 Archive via Custom Method
T1561.001 Disk Content Wipe
T1561.002 Disk Structure Wipe
T1562.001 Disable or Modify Tools
T1562.003 Impair Command History Logging
T1562.004 Disable or Modify System Firewall
T1562.006 Indicator Blocking
T1562.010 Downgrade Attack
T1562.011 Spoof Security Alerting
T1562.012 Disable or Modify Linux Audit System
T1563.001 SSH Hijacking
T1564.001 Hidden Files and Directories
T1564.002 Hidden Users
T1564.003 Hidden Window
T1564.005 Hidden File System
T1564.006 Run Virtual Instance
T1564.008 Email Hiding Rules
T1564.011 Ignore Process Interrupts
T1564.012 File/Path Exclusions
T1564.013 Bind Mounts
T1565.001 Stored Data Manipulation
T1565.002 Transmitted Data Manipulation
T1565.003 Runtime Data Manipulation
T1566.001 Spearphishing Attachment
T1567 Exfiltration Over Web Service
T1568.001 Fast Flux DNS
T1568.002 Domain Generation Algorithms
T1568.003 DNS Calculation
T1569.003 Systemctl
T1570 Lateral Tool Transfer
T1571 Non-Standard Port
T1572 Protocol Tunneling
T1573.001 Symmetric Cryptography
T1573.002 Asymmetric Cryptography
T1574.006 Dynamic Linker Hijacking
T1574.007 Path Interception by PATH Environment Variable
T1588.002 Obtain Capabilities: Tool
T1601 Modify System Image
T1609 Container Administration Command
T1610 Deploy Container
T1611 Escape to Host
T1612 Build Image on Host
T1613 Container and Resource Discovery
T1614.001 System Language Discovery
T1620 Reflective Code Loading
T1622 Debugger Evasion
T1652 Device Driver Discovery
T1653 Power Settings
T1654 Log Enumeration
T1657 Financial Theft
T1659 Content Injection
T1665 Hide Infrastructure
T1667 Email Bombing
T1668 Exclusive Control
T1673 Virtual Machine Discovery
T1674 Input Injection
T1678 Delay Execution
"""
LINUX: dict[str, str] = {
    line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in _NAMES.strip().splitlines()
}

_CONTENT = "it lies in what is sent; a snapshot knows who talks to whom, not what is said"
_QUIET = "reading files or asking the kernel changes nothing; seen only if a snapshot falls on the command itself"
_INSIDE = "it happens within a process that is there anyhow; its row stays as it was"
_DATA = "the files concerned are data of the host, which are not watched"
_DESK = "it needs a desktop, which servers do not have; its files are not watched"
_ELSEWHERE = "it happens on other machines or with people, not on this host"
_FIRMWARE = "firmware is not read"
_MAIL = "mail is not read"

TRACELESS: dict[str, str] = {
    "T1001.001": _CONTENT,
    "T1001.002": _CONTENT,
    "T1001.003": _CONTENT,
    "T1007": _QUIET,
    "T1008": _CONTENT,
    "T1010": _DESK,
    "T1011.001": _DESK,
    "T1016.002": _DESK,
    "T1027.001": "the content of programs is digested for watched files only",
    "T1027.002": "the content of programs is digested for watched files only",
    "T1027.003": _DATA,
    "T1027.005": "what is missing from a tool is not known",
    "T1027.008": "the content of programs is digested for watched files only",
    "T1027.013": _DATA,
    "T1036.002": "file names are shown for programs that run, not for files that lie there",
    "T1036.006": "file names are shown for programs that run, not for files that lie there",
    "T1036.008": "file types are not read",
    "T1055.014": _INSIDE,
    "T1056.003": _DATA,
    "T1056.004": _INSIDE,
    "T1059.011": _INSIDE,
    "T1070.007": _DATA,
    "T1070.008": _MAIL,
    "T1070.009": "what vanishes of a persistence ends its case; it stays in the history of facts",
    "T1070.010": "the old file is not watched; the new place is judged when it runs",
    "T1071.002": _CONTENT,
    "T1071.003": _CONTENT,
    "T1071.005": _CONTENT,
    "T1078.001": "the name of an account says nothing of who uses it",
    "T1078.002": "accounts of a directory are not local; their logins look like others",
    "T1080": _DATA,
    "T1090.004": _CONTENT,
    "T1092": _CONTENT,
    "T1104": _CONTENT,
    "T1106": _INSIDE,
    "T1111": _ELSEWHERE,
    "T1114.001": _MAIL,
    "T1120": _QUIET,
    "T1124": _QUIET,
    "T1129": _INSIDE,
    "T1132.001": _CONTENT,
    "T1132.002": _CONTENT,
    "T1187": _CONTENT,
    "T1189": _DESK,
    "T1199": _ELSEWHERE,
    "T1200": "a new device shows at most as a kernel module, and those come by themselves",
    "T1201": _QUIET,
    "T1205.001": "a packet that nothing answers leaves nothing; the port that then opens is judged",
    "T1205.002": "filters on raw sockets are not listed",
    "T1211": _INSIDE,
    "T1212": _INSIDE,
    "T1217": _DESK,
    "T1480.001": "what a program checks is not seen",
    "T1480.002": "what a program checks is not seen",
    "T1491.001": _DATA,
    "T1491.002": _DATA,
    "T1495": _FIRMWARE,
    "T1497.001": "what a program checks is not seen",
    "T1497.002": "what a program checks is not seen",
    "T1497.003": "what a program waits for is not seen",
    "T1505.001": _DATA,
    "T1505.002": _MAIL,
    "T1518.002": _QUIET,
    "T1534": _ELSEWHERE,
    "T1539": _DESK,
    "T1542.001": _FIRMWARE,
    "T1542.002": _FIRMWARE,
    "T1542.003": "boot loaders lie outside the watched files",
    "T1546.018": "the folders of modules are too many to be watched",
    "T1555.003": _DESK,
    "T1555.005": _DESK,
    "T1556.006": _ELSEWHERE,
    "T1558.005": _QUIET,
    "T1559": _INSIDE,
    "T1560.002": _INSIDE,
    "T1560.003": _INSIDE,
    "T1562.011": "a false report is made of what other reports are made of",
    "T1564.003": _DESK,
    "T1564.008": _MAIL,
    "T1564.011": "signals that a process ignores are not read",
    "T1564.012": "the settings of scanners are not watched",
    "T1565.002": _CONTENT,
    "T1565.003": _INSIDE,
    "T1566.001": _MAIL,
    "T1568.001": _CONTENT,
    "T1568.002": _CONTENT,
    "T1568.003": _CONTENT,
    "T1573.001": _CONTENT,
    "T1573.002": _CONTENT,
    "T1601": "images of network devices are no files of this host",
    "T1612": "images are data of the container engine; what runs of them is judged",
    "T1614.001": _QUIET,
    "T1622": "what a program checks is not seen",
    "T1652": _QUIET,
    "T1653": "settings of power are not watched",
    "T1657": _ELSEWHERE,
    "T1659": _CONTENT,
    "T1665": _ELSEWHERE,
    "T1667": _ELSEWHERE,
    "T1673": _QUIET,
    "T1674": _DESK,
    "T1678": "what a program waits for is not seen",
}
